package main

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

func TestCounter(t *testing.T) {
	t.Parallel()
	tests := map[string]struct {
		events                  []string
		passed, failed, skipped int
		names                   []string
		says                    []string
		silent                  []string
	}{
		"subtests count and passing output is not shown": {
			events: []string{
				`{"Action":"output","Package":"p","Test":"TestA/one","Output":"noise\n"}`,
				`{"Action":"pass","Package":"p","Test":"TestA/one"}`,
				`{"Action":"pass","Package":"p","Test":"TestA"}`,
				`{"Action":"pass","Package":"p","Elapsed":1.25}`,
			},
			passed: 2, says: []string{"ok   p 1.2s"}, silent: []string{"noise"},
		},
		"a failure shows its output and counts once": {
			events: []string{
				`{"Action":"output","Package":"p","Test":"TestA","Output":"=== RUN   TestA\n"}`,
				`{"Action":"output","Package":"p","Test":"TestA","Output":"a_test.go:3: wrong\n"}`,
				`{"Action":"fail","Package":"p","Test":"TestA"}`,
				`{"Action":"fail","Package":"p"}`,
			},
			failed: 1, names: []string{"p TestA"}, says: []string{"a_test.go:3: wrong", "FAIL p"}, silent: []string{"=== RUN"},
		},
		"a package that does not build counts": {
			events: []string{
				`{"ImportPath":"p [p.test]","Action":"build-output","Output":"a.go:1: syntax error\n"}`,
				`{"ImportPath":"p [p.test]","Action":"build-fail"}`,
				`{"Action":"fail","Package":"p","FailedBuild":"p [p.test]"}`,
			},
			failed: 1, names: []string{"p"}, says: []string{"syntax error"},
		},
		"a package that ends badly after passing tests counts": {
			events: []string{
				`{"Action":"pass","Package":"p","Test":"TestA"}`,
				`{"Action":"output","Package":"p","Output":"found unexpected goroutines\n"}`,
				`{"Action":"fail","Package":"p"}`,
			},
			passed: 1, failed: 1, names: []string{"p"}, says: []string{"found unexpected goroutines"},
		},
		"skips tell their reasons": {
			events: []string{
				`{"Action":"output","Package":"p","Test":"TestA","Output":"    a_test.go:9: data is absent: set X\n"}`,
				`{"Action":"skip","Package":"p","Test":"TestA"}`,
				`{"Action":"skip","Package":"q"}`,
			},
			skipped: 1, says: []string{"skipped 1: data is absent: set X"},
		},
		"go's own words are passed on": {
			events: []string{"go: cannot find main module"},
			says:   []string{"go: cannot find main module"},
		},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var out strings.Builder
			c := newCounter(&out)
			require.NoError(t, c.read(strings.NewReader(strings.Join(test.events, "\n"))))
			require.Equal(t, []int{test.passed, test.failed, test.skipped}, []int{c.passed, c.failed, c.skipped})
			require.Equal(t, test.names, c.names)
			for _, text := range test.says {
				require.Contains(t, out.String(), text)
			}
			for _, text := range test.silent {
				require.NotContains(t, out.String(), text)
			}
		})
	}
}
