// Command gotest reads `go test -json` from standard input, prints the output
// of what failed and a line per package, and closes with "passed failed skipped".
package main

import (
	"bufio"
	"encoding/json"
	"fmt"
	"os"
	"sort"
	"strings"
)

type event struct {
	Action, Package, Test, Output, ImportPath string
	Elapsed                                   float64
}

func main() {
	var passed, failed, skipped int
	output := map[string]*strings.Builder{}
	reasons := map[string]int{}
	scanner := bufio.NewScanner(os.Stdin)
	scanner.Buffer(nil, 64<<20)
	for scanner.Scan() {
		var e event
		if json.Unmarshal(scanner.Bytes(), &e) != nil {
			fmt.Println(scanner.Text()) // a build error before any test
			continue
		}
		key := e.Package + e.ImportPath + " " + e.Test
		switch e.Action {
		case "output", "build-output":
			if output[key] == nil {
				output[key] = &strings.Builder{}
			}
			output[key].WriteString(e.Output)
		case "build-fail":
			fmt.Print(text(output[key]))
		case "pass":
			if e.Test != "" {
				passed++
			} else {
				fmt.Printf("ok   %s %.1fs\n", e.Package, e.Elapsed)
			}
			delete(output, key)
		case "skip":
			if e.Test != "" {
				skipped++
				reasons[reason(text(output[key]))]++
			}
		case "fail":
			if e.Test != "" {
				failed++
			} else {
				fmt.Printf("FAIL %s %.1fs\n", e.Package, e.Elapsed)
			}
			fmt.Print(text(output[key]))
		}
	}
	var lines []string
	for why, n := range reasons {
		lines = append(lines, fmt.Sprintf("skipped %d: %s", n, why))
	}
	sort.Strings(lines)
	for _, line := range lines {
		fmt.Println(line)
	}
	fmt.Println(passed, failed, skipped)
}

func text(b *strings.Builder) string {
	if b == nil {
		return ""
	}
	return b.String()
}

// reason is the line a skipped test gave, without its position.
func reason(output string) string {
	for _, line := range strings.Split(output, "\n") {
		if _, why, found := strings.Cut(line, ".go:"); found {
			if _, why, found = strings.Cut(why, ": "); found {
				return why
			}
		}
	}
	return "no reason given"
}
