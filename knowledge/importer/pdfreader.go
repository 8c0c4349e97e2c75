package importer

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"io"
	"os"
	"os/exec"
	"runtime"
	"runtime/debug"
	"runtime/metrics"
	"time"
)

// What the process that reads a PDF may take.
const (
	pdfReader       = "usher-read-pdf" // its name, by which this program knows that it is one
	maxPDFMemory    = 1 << 30
	maxPDFStack     = 64 << 20
	maxPDFOutput    = 64 << 20
	maxPDFProcesses = 2
	pdfExitMemory   = 3
	pdfExitTime     = 4
)

// pdfRead is what that process answers.
type pdfRead struct {
	Title, Lang, Body, Problem string
}

// A PDF is read by this same program, started anew under another name: whatever
// imports this package can do so, tests too, and nothing else has begun by then.
func init() {
	if len(os.Args) == 1 && os.Args[0] == pdfReader {
		os.Exit(servePDF(os.Stdin, os.Stdout))
	}
}

// servePDF reads one PDF and answers what it says. It ends itself when it takes
// too much, so that it does not outlive who asked either.
func servePDF(in io.Reader, out io.Writer) int {
	debug.SetMaxStack(maxPDFStack)
	debug.SetMemoryLimit(maxPDFMemory / 2)
	go watchPDF(time.NewTicker(20*time.Millisecond), time.Now().Add(maxPDFTime+5*time.Second))
	data, err := io.ReadAll(in)
	if err != nil {
		return 1
	}
	var read pdfRead
	matter, body, err := readPDF(data)
	if err != nil {
		read.Problem = err.Error()
	} else {
		read.Title, read.Lang, read.Body = matter.Title, matter.Lang, body
	}
	if json.NewEncoder(out).Encode(read) != nil {
		return 1
	}
	return 0
}

func watchPDF(ticker *time.Ticker, end time.Time) {
	held := []metrics.Sample{{Name: "/memory/classes/total:bytes"}, {Name: "/memory/classes/heap/released:bytes"}}
	for range ticker.C {
		metrics.Read(held)
		if held[0].Value.Uint64()-held[1].Value.Uint64() > maxPDFMemory {
			os.Exit(pdfExitMemory)
		}
		if late(end) {
			os.Exit(pdfExitTime)
		}
	}
}

// pdfTurns keeps many PDFs at once from taking all memory together.
var pdfTurns = make(chan struct{}, maxPDFProcesses)

// parsePDF takes the text of a PDF, read by a process of its own: what a file can
// make the library do, such as call itself without end, no recover can stop.
func parsePDF(data []byte) (matter frontMatter, body string, err error) {
	pdfTurns <- struct{}{}
	defer func() { <-pdfTurns }()
	ctx, cancel := context.WithTimeout(context.Background(), maxPDFTime+2*time.Second)
	defer cancel()
	program := "/proc/self/exe" // also where the file was replaced meanwhile
	if runtime.GOOS != "linux" {
		if program, err = os.Executable(); err != nil {
			return matter, "", errPDFNoReader
		}
	}
	out := &capped{left: maxPDFOutput}
	cmd := exec.CommandContext(ctx, program)
	cmd.Args, cmd.Env, cmd.Stdin, cmd.Stdout = []string{pdfReader}, []string{"GOTRACEBACK=none"}, bytes.NewReader(data), out
	cmd.WaitDelay = time.Second
	if err := cmd.Start(); err != nil {
		return matter, "", errPDFNoReader
	}
	err = cmd.Wait()
	var read pdfRead
	switch code := cmd.ProcessState.ExitCode(); {
	case out.left < 0, code == pdfExitMemory:
		return matter, "", errPDFTooMuch
	case ctx.Err() != nil, code == pdfExitTime:
		return matter, "", errPDFSlow
	case err != nil, json.Unmarshal(out.taken.Bytes(), &read) != nil:
		return matter, "", errPDFBroken
	case read.Problem != "":
		return matter, "", errors.New(read.Problem)
	}
	matter.Title, matter.Lang = read.Title, read.Lang
	return matter, read.Body, nil
}

// capped takes so many bytes and no more.
type capped struct {
	taken bytes.Buffer
	left  int
}

func (c *capped) Write(p []byte) (int, error) {
	if c.left -= len(p); c.left < 0 {
		return 0, errPDFTooMuch
	}
	return c.taken.Write(p)
}
