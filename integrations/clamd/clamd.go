// Package clamd asks a ClamAV daemon whether a file is clean, by its INSTREAM
// command. It implements blob.Scanner.
package clamd

import (
	"bufio"
	"cmp"
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"net"
	"strings"
	"time"

	"github.com/usherdesk/usher/portal/onboarding/blob"
)

// ErrRefused says the daemon did not look at the file: it was too large for it,
// or its answer cannot be read.
var ErrRefused = errors.New("the scanner did not look at the file")

// Client talks to one daemon.
type Client struct {
	Network string        // tcp or unix; default tcp
	Address string        // host:3310, or the socket's path
	Timeout time.Duration // of a whole scan; default 1 min
}

var _ blob.Scanner = (*Client)(nil)

// Scan implements blob.Scanner.
func (c *Client) Scan(ctx context.Context, body io.Reader) (blob.Verdict, error) {
	ctx, cancel := context.WithTimeoutCause(ctx, cmp.Or(c.Timeout, time.Minute), errors.New("the scanner took too long"))
	defer cancel()
	var dialer net.Dialer
	conn, err := dialer.DialContext(ctx, cmp.Or(c.Network, "tcp"), c.Address)
	if err != nil {
		return blob.Verdict{}, fmt.Errorf("reach scanner: %w", err)
	}
	defer conn.Close()
	stop := context.AfterFunc(ctx, func() { _ = conn.SetDeadline(time.Unix(1, 0)) })
	defer stop()
	source := &tracked{body: body}
	sendErr := send(conn, source)
	if source.err != nil {
		return blob.Verdict{}, fmt.Errorf("read file to scan: %w", source.err)
	}
	// A daemon that refuses answers while it is still being sent to.
	line, err := bufio.NewReader(conn).ReadString(0)
	if err != nil && line == "" {
		return blob.Verdict{}, fmt.Errorf("ask scanner: %w", errors.Join(sendErr, context.Cause(ctx), err))
	}
	return verdict(strings.TrimRight(line, "\x00\r\n "))
}

// tracked remembers that reading failed, as opposed to the daemon hanging up.
type tracked struct {
	body io.Reader
	err  error
}

func (t *tracked) Read(p []byte) (int, error) {
	n, err := t.body.Read(p)
	if err != nil && !errors.Is(err, io.EOF) {
		t.err = err
	}
	return n, err
}

// send writes the command and the body in chunks: length, bytes, …, zero length.
func send(w io.Writer, body io.Reader) error {
	if _, err := io.WriteString(w, "zINSTREAM\x00"); err != nil {
		return err
	}
	chunk := make([]byte, 4+32<<10)
	for {
		n, err := io.ReadFull(body, chunk[4:])
		if n > 0 {
			binary.BigEndian.PutUint32(chunk, uint32(n))
			if _, err := w.Write(chunk[:4+n]); err != nil {
				return err
			}
		}
		if errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) {
			_, err = w.Write([]byte{0, 0, 0, 0})
			return err
		}
		if err != nil {
			return err
		}
	}
}

// verdict reads "stream: OK", "stream: NAME FOUND" or "… ERROR".
func verdict(line string) (blob.Verdict, error) {
	answer, ok := strings.CutPrefix(line, "stream: ")
	switch {
	case ok && answer == "OK":
		return blob.Verdict{Clean: true}, nil
	case ok && strings.HasSuffix(answer, " FOUND"):
		return blob.Verdict{Detail: strings.TrimSuffix(answer, " FOUND")}, nil
	}
	return blob.Verdict{}, fmt.Errorf("%w: %q", ErrRefused, line)
}
