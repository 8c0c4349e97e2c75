package main

import (
	"encoding/json"
	"io"
	"net/http"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/usherdesk/usher/portal/problem"
)

type gotProblem struct {
	problem.Problem
	status int
	body   string
}

// problemOf sends a request and reads the problem it is answered with.
func problemOf(t *testing.T, request *http.Request) gotProblem {
	t.Helper()
	response, err := http.DefaultClient.Do(request)
	require.NoError(t, err)
	defer response.Body.Close()
	body, err := io.ReadAll(response.Body)
	require.NoError(t, err)
	require.Equal(t, "application/problem+json", response.Header.Get("Content-Type"), "%s", body)
	got := gotProblem{status: response.StatusCode, body: string(body)}
	require.NoError(t, json.Unmarshal(body, &got.Problem))
	return got
}
