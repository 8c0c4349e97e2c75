// Command gotest reads `go test -json` from standard input, prints a line per
// package as it ends and the whole output of what failed, and writes the counts
// "passed failed skipped" to the file named by its argument, followed by a line
// for each test that failed. Subtests count. A
// package that fails without a failed test (it does not build, its TestMain
// fails) counts as one failure, so that nothing that failed counts as nothing.
package main

import (
	"bufio"
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"os"
	"slices"
	"strings"
)

// event is one line of `go test -json` (see `go doc test2json`).
type event struct {
	Action      string
	Package     string
	ImportPath  string // instead of Package while building
	Test        string
	Output      string
	FailedBuild string
	Elapsed     float64 // seconds
}

func main() {
	if len(os.Args) != 2 {
		fmt.Fprintln(os.Stderr, "gotest: name the file for the counts")
		os.Exit(2)
	}
	c := newCounter(os.Stdout)
	err := c.read(os.Stdin)
	if err == nil {
		result := fmt.Sprintln(c.passed, c.failed, c.skipped) + strings.Join(append(c.names, ""), "\n")
		err = os.WriteFile(os.Args[1], []byte(result), 0o600)
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, "gotest:", err)
		os.Exit(1)
	}
}

type counter struct {
	out                     io.Writer
	passed, failed, skipped int
	output                  map[string]*strings.Builder // of what has not ended yet, by package and test
	failures                map[string]int              // failed tests by package
	names                   []string                    // of what failed
	reasons                 map[string]int              // skipped tests by what they say
}

func newCounter(out io.Writer) *counter {
	return &counter{out: out, output: map[string]*strings.Builder{}, failures: map[string]int{}, reasons: map[string]int{}}
}

func (c *counter) read(in io.Reader) error {
	scanner := bufio.NewScanner(in)
	scanner.Buffer(nil, 64<<20)
	for scanner.Scan() {
		var e event
		if json.Unmarshal(scanner.Bytes(), &e) != nil {
			fmt.Fprintln(c.out, scanner.Text()) // not from a test: go's own words
			continue
		}
		c.add(e)
	}
	for _, why := range slices.Sorted(maps.Keys(c.reasons)) {
		fmt.Fprintf(c.out, "skipped %d: %s\n", c.reasons[why], why)
	}
	return scanner.Err()
}

func (c *counter) add(e event) {
	key := e.Package + e.ImportPath + " " + e.Test
	switch e.Action {
	case "output", "build-output":
		if strings.HasPrefix(e.Output, "=== ") {
			return // when it ran or paused is not what went wrong
		}
		if c.output[key] == nil {
			c.output[key] = &strings.Builder{}
		}
		c.output[key].WriteString(e.Output)
		return
	case "build-fail":
		fmt.Fprint(c.out, c.text(key))
	case "pass":
		if e.Test != "" {
			c.passed++
		} else {
			fmt.Fprintf(c.out, "ok   %s %.1fs\n", e.Package, e.Elapsed)
		}
	case "skip":
		if e.Test != "" {
			c.skipped++
			c.reasons[reason(c.text(key))]++
		}
	case "fail":
		c.fail(e, key)
	default:
		return
	}
	delete(c.output, key)
}

func (c *counter) fail(e event, key string) {
	if e.Test != "" {
		c.failed++
		c.failures[e.Package]++
		c.names = append(c.names, e.Package+" "+e.Test)
	} else {
		if c.failures[e.Package] == 0 {
			c.failed++
			c.names = append(c.names, e.Package)
		}
		fmt.Fprintf(c.out, "FAIL %s %.1fs\n", e.Package, e.Elapsed)
	}
	fmt.Fprint(c.out, c.text(key))
}

func (c *counter) text(key string) string {
	if c.output[key] == nil {
		return ""
	}
	return c.output[key].String()
}

// reason is the line a skipped test gave, without its position.
func reason(output string) string {
	for line := range strings.Lines(output) {
		if _, rest, found := strings.Cut(line, ".go:"); found {
			if _, why, found := strings.Cut(rest, ": "); found {
				return strings.TrimSpace(why)
			}
		}
	}
	return "no reason given"
}
