// Command testpg starts and stops the private PostgreSQL that tests run on. It
// prints the superuser's address; durability is off.
package main

import (
	"context"
	"flag"
	"fmt"
	"os"

	"github.com/usherdesk/usher/migrations/localpg"
)

func main() {
	if err := run(os.Args[1:]); err != nil {
		fmt.Fprintln(os.Stderr, "testpg:", err)
		os.Exit(1)
	}
}

func run(args []string) error {
	if len(args) == 0 || args[0] != "start" && args[0] != "stop" {
		return fmt.Errorf("say start or stop")
	}
	flags := flag.NewFlagSet("testpg", flag.ExitOnError)
	dir := flags.String("dir", ".usher/test", "folder of the cluster")
	_ = flags.Parse(args[1:]) // exits by itself on an error
	ctx := context.Background()
	server, err := localpg.Start(ctx, localpg.Config{Dir: *dir, Fast: true})
	if err != nil {
		return err
	}
	if args[0] == "stop" {
		return server.Stop(ctx)
	}
	fmt.Println(server.SuperuserURL())
	return nil
}
