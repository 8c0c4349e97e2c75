// Command testpg lends the private PostgreSQL of a folder to another command:
//
//	testpg run [--dir .usher/test] [--] command …   run it with USHER_TEST_DATABASE_URL set
//	testpg remove [--dir .usher]                    delete the folder's database
//
// run starts a server without durability where none runs, passes interrupts on
// as SIGTERM, stops the server and exits as the command did. The address is the
// superuser's, because tests create databases and roles.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"os"
	"os/exec"
	"os/signal"
	"syscall"
	"time"

	"github.com/usherdesk/usher/migrations/localpg"
)

func main() {
	status, err := run(os.Args[1:])
	if err != nil {
		fmt.Fprintln(os.Stderr, "testpg:", err)
		status = 1
	}
	os.Exit(status)
}

func run(args []string) (status int, err error) {
	if len(args) == 0 {
		return 0, errors.New("say `testpg run command …` or `testpg remove`")
	}
	flags := flag.NewFlagSet("testpg "+args[0], flag.ExitOnError)
	dir := flags.String("dir", ".usher/test", "folder of the cluster")
	_ = flags.Parse(args[1:]) // exits by itself on an error
	switch args[0] {
	case "run":
		if flags.NArg() == 0 {
			return 0, errors.New("say which command to run: `testpg run go test ./...`")
		}
		return lend(*dir, flags.Args())
	case "remove":
		return 0, localpg.Remove(context.Background(), localpg.Config{Dir: *dir})
	default:
		return 0, fmt.Errorf("unknown command %q: say run or remove", args[0])
	}
}

// lend runs a command beside the server and returns its exit status.
func lend(dir string, command []string) (status int, err error) {
	ctx, done := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer done()
	server, err := localpg.Start(ctx, localpg.Config{Dir: dir, Fast: true})
	if err != nil {
		return 0, err
	}
	defer func() { err = errors.Join(err, server.Stop(ctx)) }()
	cmd := exec.CommandContext(ctx, command[0], command[1:]...)
	cmd.Stdout, cmd.Stderr = os.Stdout, os.Stderr
	cmd.Env = append(os.Environ(), "USHER_TEST_DATABASE_URL="+server.SuperuserURL())
	// A group of its own, so that an interrupt reaches all of it, and from here only.
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	cmd.Cancel = func() error { return syscall.Kill(-cmd.Process.Pid, syscall.SIGTERM) }
	cmd.WaitDelay = 10 * time.Second
	err = cmd.Run()
	if ctx.Err() != nil {
		return 130, nil // as a shell reports an interrupted command
	}
	var exit *exec.ExitError
	if errors.As(err, &exit) {
		return max(1, exit.ExitCode()), nil
	}
	return 0, err
}
