package email

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"time"

	"github.com/emersion/go-imap/v2"
	"github.com/emersion/go-imap/v2/imapclient"
)

// IMAP is a mailbox mail comes into.
type IMAP struct {
	Addr     string // host:port; port 993 speaks TLS at once
	User     string
	Password string
	Mailbox  string // default INBOX
	Plain    bool   // no encryption: for a server on this machine only
}

// Receiver reads a mailbox: what is unseen now, then what arrives, by IDLE. A
// mail is marked as seen after it was stored; a lost connection is made again
// and misses nothing.
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
	if _, err := client.Select(r.config.Mailbox, nil).Wait(); err != nil {
		return fmt.Errorf("open mailbox: %w", err)
	}
	for ctx.Err() == nil {
		if err := r.fetch(ctx, client); err != nil {
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

// fetch stores every unseen mail, then marks it.
func (r *Receiver) fetch(ctx context.Context, client *imapclient.Client) error {
	found, err := client.UIDSearch(&imap.SearchCriteria{NotFlag: []imap.Flag{imap.FlagSeen}}, nil).Wait()
	if err != nil {
		return fmt.Errorf("search mailbox: %w", err)
	}
	for _, uid := range found.AllUIDs() {
		set := imap.UIDSetNum(uid)
		section := &imap.FetchItemBodySection{Peek: true}
		mails, err := client.Fetch(set, &imap.FetchOptions{UID: true, RFC822Size: true, BodySection: []*imap.FetchItemBodySection{section}}).Collect()
		if err != nil {
			return fmt.Errorf("fetch mail: %w", err)
		}
		for _, m := range mails {
			err := r.service.Store(ctx, m.FindBodySection(section))
			if err != nil && !errors.Is(err, ErrUnreadable) {
				return err // not marked: it comes again
			}
			if err != nil {
				r.log.WarnContext(ctx, "a mail was left aside", "uid", uint32(uid), "error", err)
			}
		}
		flags := &imap.StoreFlags{Op: imap.StoreFlagsAdd, Silent: true, Flags: []imap.Flag{imap.FlagSeen}}
		if err := client.Store(set, flags, nil).Close(); err != nil {
			return fmt.Errorf("mark mail: %w", err)
		}
	}
	return nil
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
