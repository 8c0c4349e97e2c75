package email

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"sync"
	"time"

	"github.com/emersion/go-imap/v2"
	"github.com/emersion/go-imap/v2/imapclient"
	"github.com/emersion/go-message/textproto"
	"github.com/jackc/pgx/v5"
)

// IMAP is a mailbox mail comes into.
type IMAP struct {
	Addr     string // host:port; port 993 speaks TLS at once
	User     string
	Password string
	Mailbox  string // default INBOX
	Plain    bool   // no encryption: for a server on this machine only
}

// Receiver reads a mailbox: what came behind the last mail taken in, seen or not,
// then what arrives, by IDLE. A mailbox read for the first time gives what is unseen
// in it. A mail is marked as seen after it was stored; a lost connection is made
// again and misses nothing.
type Receiver struct {
	config  IMAP
	service *Service
	log     *slog.Logger
	pause   time.Duration

	cancel context.CancelFunc
	done   sync.WaitGroup
}

// NewReceiver returns a Receiver. It does nothing before Start.
func NewReceiver(c IMAP, s *Service) *Receiver {
	if c.Mailbox == "" {
		c.Mailbox = "INBOX"
	}
	return &Receiver{config: c, service: s, log: s.Log, pause: 5 * time.Second}
}

// Start reads the mailbox until Stop.
func (r *Receiver) Start(ctx context.Context) {
	ctx, r.cancel = context.WithCancel(ctx)
	r.done.Go(func() {
		for ctx.Err() == nil {
			if err := r.read(ctx); err != nil && ctx.Err() == nil {
				r.log.WarnContext(ctx, "mailbox connection ended", "error", err)
			}
			select {
			case <-ctx.Done():
			case <-time.After(r.pause):
			}
		}
	})
}

// Stop ends reading and waits for it.
func (r *Receiver) Stop() {
	if r.cancel != nil {
		r.cancel()
	}
	r.done.Wait()
}

// read serves one connection.
func (r *Receiver) read(ctx context.Context) error {
	arrived := make(chan struct{}, 1)
	client, err := r.dial(&imapclient.Options{UnilateralDataHandler: &imapclient.UnilateralDataHandler{
		Mailbox: func(data *imapclient.UnilateralDataMailbox) {
			if data.NumMessages != nil {
				select {
				case arrived <- struct{}{}:
				default:
				}
			}
		},
	}})
	if err != nil {
		return fmt.Errorf("connect to mailbox: %w", err)
	}
	defer client.Close()
	stop := context.AfterFunc(ctx, func() { client.Close() })
	defer stop()
	if err := client.Login(r.config.User, r.config.Password).Wait(); err != nil {
		return fmt.Errorf("log in to mailbox: %w", err)
	}
	opened, err := client.Select(r.config.Mailbox, nil).Wait()
	if err != nil {
		return fmt.Errorf("open mailbox: %w", err)
	}
	at, err := r.cursor(ctx, opened)
	if err != nil {
		return err
	}
	for ctx.Err() == nil {
		if err := r.fetch(ctx, client, at); err != nil {
			return err
		}
		if err := wait(ctx, client, arrived); err != nil {
			return err
		}
	}
	return nil
}

// wait idles until mail arrives, or for some minutes: a server may forget to say.
func wait(ctx context.Context, client *imapclient.Client, arrived <-chan struct{}) error {
	idle, err := client.Idle()
	if err != nil {
		return fmt.Errorf("wait for mail: %w", err)
	}
	select {
	case <-arrived:
	case <-time.After(5 * time.Minute):
	case <-client.Closed():
		return errors.New("the server closed the connection")
	case <-ctx.Done():
	}
	if err := idle.Close(); err != nil {
		return fmt.Errorf("stop waiting for mail: %w", err)
	}
	return idle.Wait()
}

// cursor is how far a mailbox was read.
type cursor struct {
	validity uint32
	uid      imap.UID // the last one taken in
	// first says what to look for before the cursor can be gone by: what is unseen in
	// a mailbox that is new to us, what came lately where it counts anew.
	first *imap.SearchCriteria
}

// lately is how far back a mailbox that counts its mail anew is read: what was taken
// in is known by its Message-ID for longer.
const lately = 21 * 24 * time.Hour

func (r *Receiver) name() string {
	return r.config.User + "@" + r.config.Addr + "/" + r.config.Mailbox
}

func (r *Receiver) cursor(ctx context.Context, opened *imap.SelectData) (*cursor, error) {
	c := &cursor{validity: opened.UIDValidity}
	var validity, uid int64
	var at time.Time
	err := r.service.DB.Pool().QueryRow(ctx, `select validity, uid, at from mail_cursors where mailbox = $1`, r.name()).Scan(&validity, &uid, &at)
	switch {
	case errors.Is(err, pgx.ErrNoRows):
		c.first = &imap.SearchCriteria{NotFlag: []imap.Flag{imap.FlagSeen}}
	case err != nil:
		return nil, fmt.Errorf("read mailbox cursor: %w", err)
	case uint32(validity) != opened.UIDValidity:
		since := at.AddDate(0, 0, -1)
		if earliest := r.service.Now().Add(-lately); since.Before(earliest) {
			since = earliest
		}
		c.first = &imap.SearchCriteria{Since: since}
	default:
		c.uid = imap.UID(uid)
	}
	return c, nil
}

func (r *Receiver) keep(ctx context.Context, c *cursor, uid imap.UID) error {
	c.uid = max(c.uid, uid)
	_, err := r.service.DB.Pool().Exec(ctx, `insert into mail_cursors (mailbox, validity, uid, at) values ($1, $2, $3, $4)
		on conflict (mailbox) do update set validity = $2, uid = $3, at = $4`, r.name(), int64(c.validity), int64(c.uid), r.service.Now().UTC())
	if err != nil {
		return fmt.Errorf("keep mailbox cursor: %w", err)
	}
	return nil
}

// fetch stores every mail behind the cursor, moves it on and marks the mail.
func (r *Receiver) fetch(ctx context.Context, client *imapclient.Client, at *cursor) error {
	criteria, until := at.first, imap.UID(0)
	if criteria != nil {
		// What is there now is looked for this once; what comes later is behind it.
		all, err := client.UIDSearch(&imap.SearchCriteria{}, nil).Wait()
		if err != nil {
			return fmt.Errorf("search mailbox: %w", err)
		}
		for _, uid := range all.AllUIDs() {
			until = max(until, uid)
		}
	} else {
		criteria = &imap.SearchCriteria{UID: []imap.UIDSet{{imap.UIDRange{Start: at.uid + 1, Stop: 0}}}}
	}
	found, err := client.UIDSearch(criteria, nil).Wait()
	if err != nil {
		return fmt.Errorf("search mailbox: %w", err)
	}
	uids := found.AllUIDs()
	slices.Sort(uids)
	for _, uid := range uids {
		if at.first == nil && uid <= at.uid || at.first != nil && uid > until {
			continue // a search from behind the last one finds the last one
		}
		if err := r.take(ctx, client, uid); err != nil {
			return err // not marked, and before the cursor: it comes again
		}
		if at.first == nil {
			if err := r.keep(ctx, at, uid); err != nil {
				return err
			}
		}
		flags := &imap.StoreFlags{Op: imap.StoreFlagsAdd, Silent: true, Flags: []imap.Flag{imap.FlagSeen}}
		if err := client.Store(imap.UIDSetNum(uid), flags, nil).Close(); err != nil {
			return fmt.Errorf("mark mail: %w", err)
		}
	}
	if at.first == nil {
		return nil
	}
	if err := r.keep(ctx, at, until); err != nil {
		return err
	}
	at.first = nil
	return r.fetch(ctx, client, at)
}

// take stores one mail. Of one that is too large its head is taken, with a sentence
// that says so: it is in the conversation, for whoever reads there.
func (r *Receiver) take(ctx context.Context, client *imapclient.Client, uid imap.UID) error {
	set := imap.UIDSetNum(uid)
	sizes, err := client.Fetch(set, &imap.FetchOptions{UID: true, RFC822Size: true}).Collect()
	if err != nil {
		return fmt.Errorf("fetch mail's size: %w", err)
	}
	section := &imap.FetchItemBodySection{Peek: true}
	size := int64(0)
	for _, m := range sizes {
		size = m.RFC822Size
	}
	if size > MaxMail {
		section.Specifier = imap.PartSpecifierHeader
	}
	mails, err := client.Fetch(set, &imap.FetchOptions{UID: true, BodySection: []*imap.FetchItemBodySection{section}}).Collect()
	if err != nil {
		return fmt.Errorf("fetch mail: %w", err)
	}
	for _, m := range mails {
		raw := m.FindBodySection(section)
		if size > MaxMail {
			raw = headOnly(raw, size)
		}
		if err := r.service.Store(ctx, raw); errors.Is(err, ErrUnreadable) {
			r.log.WarnContext(ctx, "a mail was left aside", "uid", uint32(uid), "error", err)
		} else if err != nil {
			return err
		}
	}
	return nil
}

// headOnly is a mail of its header and a sentence that the rest is too large.
func headOnly(header []byte, size int64) []byte {
	h, err := textproto.ReadHeader(bufio.NewReader(bytes.NewReader(header)))
	if err != nil {
		return header
	}
	for _, key := range []string{"Content-Type", "Content-Transfer-Encoding", "Content-Disposition"} {
		h.Del(key)
	}
	h.Set("Content-Type", "text/plain; charset=utf-8")
	var out bytes.Buffer
	_ = textproto.WriteHeader(&out, h) // a buffer takes everything
	fmt.Fprintf(&out, "[This mail has %d MB, more than the %d MB that are taken in. Its text and files are in the mailbox only: please send them in smaller parts.]\r\n", (size+1<<20-1)>>20, MaxMail>>20)
	return out.Bytes()
}

func (r *Receiver) dial(options *imapclient.Options) (*imapclient.Client, error) {
	switch {
	case r.config.Plain:
		return imapclient.DialInsecure(r.config.Addr, options)
	case len(r.config.Addr) > 4 && r.config.Addr[len(r.config.Addr)-4:] == ":143":
		return imapclient.DialStartTLS(r.config.Addr, options)
	}
	return imapclient.DialTLS(r.config.Addr, options)
}
