package clamd_test

import (
	"bytes"
	"encoding/binary"
	"errors"
	"io"
	"net"
	"strings"
	"testing"
	"testing/iotest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/usherdesk/usher/integrations/clamd"
)

// daemon answers one connection like clamd; limit is its StreamMaxLength.
func daemon(t *testing.T, limit int) *clamd.Client {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	t.Cleanup(func() { _ = listener.Close() })
	go func() {
		conn, err := listener.Accept()
		if err != nil {
			return
		}
		defer conn.Close()
		command := make([]byte, len("zINSTREAM\x00"))
		if _, err := io.ReadFull(conn, command); err != nil || string(command) != "zINSTREAM\x00" {
			return
		}
		var body bytes.Buffer
		for {
			var size uint32
			if binary.Read(conn, binary.BigEndian, &size) != nil {
				return
			}
			if size == 0 {
				break
			}
			if _, err := io.CopyN(&body, conn, int64(size)); err != nil {
				return
			}
			if body.Len() > limit {
				_, _ = io.WriteString(conn, "INSTREAM size limit exceeded. ERROR\x00")
				_, _ = io.Copy(io.Discard, conn)
				return
			}
		}
		if strings.Contains(body.String(), "EICAR") {
			_, _ = io.WriteString(conn, "stream: Eicar-Test-Signature FOUND\x00")
			return
		}
		_, _ = io.WriteString(conn, "stream: OK\x00")
	}()
	return &clamd.Client{Address: listener.Addr().String(), Timeout: 5 * time.Second}
}

func TestTheDaemonsWordCounts(t *testing.T) {
	t.Parallel()
	v, err := daemon(t, 1<<20).Scan(t.Context(), strings.NewReader(strings.Repeat("clean ", 20_000)))
	require.NoError(t, err)
	require.True(t, v.Clean)
	v, err = daemon(t, 1<<20).Scan(t.Context(), strings.NewReader(strings.Repeat("x", 70_000)+"EICAR"))
	require.NoError(t, err)
	require.False(t, v.Clean)
	require.Equal(t, "Eicar-Test-Signature", v.Detail)
	v, err = daemon(t, 1<<20).Scan(t.Context(), strings.NewReader(""))
	require.NoError(t, err)
	require.True(t, v.Clean)
}

func TestNoAnswerIsNeverClean(t *testing.T) {
	t.Parallel()
	v, err := daemon(t, 10).Scan(t.Context(), strings.NewReader(strings.Repeat("x", 100_000)))
	require.ErrorIs(t, err, clamd.ErrRefused)
	require.False(t, v.Clean)
	_, err = (&clamd.Client{Address: "127.0.0.1:1"}).Scan(t.Context(), strings.NewReader("x"))
	require.ErrorContains(t, err, "reach scanner")
	_, err = daemon(t, 1<<20).Scan(t.Context(), iotest.ErrReader(errors.New("disk")))
	require.Error(t, err)
}
