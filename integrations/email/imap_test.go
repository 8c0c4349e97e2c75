package email_test

import (
	"strings"
	"testing"
	"time"

	"github.com/emersion/go-imap/v2"
	"github.com/emersion/go-imap/v2/imapclient"
	"github.com/stretchr/testify/require"

	"github.com/usherdesk/usher/integrations/email"
)

// A person who opens a mail first takes it from nobody; what is too large is said in
// the conversation.
func TestAMailboxIsReadByWhatCameNotByWhatIsUnseen(t *testing.T) {
	t.Parallel()
	b := setup(t)
	addr := imapServer(t)
	events := func() (n int) {
		require.NoError(t, b.db.Worker.Pool().QueryRow(t.Context(), `select count(*) from inbound_events where source = 'email'`).Scan(&n))
		return n
	}
	listen := func(want int) {
		receiver := email.NewReceiver(email.IMAP{Addr: addr, User: "support", Password: "pass", Plain: true}, b.service)
		receiver.Start(t.Context())
		defer receiver.Stop()
		require.Eventually(t, func() bool { return events() >= want }, 20*time.Second, 20*time.Millisecond)
		time.Sleep(100 * time.Millisecond) // nothing more comes
		require.Equal(t, want, events())
		b.work(t)
	}
	open := func() { // as a mail program does
		client, err := imapclient.DialInsecure(addr, nil)
		require.NoError(t, err)
		defer client.Close()
		require.NoError(t, client.Login("support", "pass").Wait())
		_, err = client.Select("INBOX", nil).Wait()
		require.NoError(t, err)
		all := imap.UIDSet{imap.UIDRange{Start: 1, Stop: 0}}
		require.NoError(t, client.Store(all, &imap.StoreFlags{Op: imap.StoreFlagsAdd, Silent: true, Flags: []imap.Flag{imap.FlagSeen}}, nil).Close())
	}
	deliver(t, addr, raw("0@acme.test", "ana@acme.test", "support@usher.test", "Long ago", "Read before Usher was there", vouched))
	open()
	deliver(t, addr, raw("1@acme.test", "ana@acme.test", "support@usher.test", "First", "First", vouched))
	listen(1)
	deliver(t, addr, raw("2@acme.test", "ana@acme.test", "support@usher.test", "Second", "Opened by a colleague", vouched))
	open()
	deliver(t, addr, raw("3@acme.test", "ana@acme.test", "support@usher.test", "Third", strings.Repeat(strings.Repeat("x", 998)+"\r\n", 27_000), vouched))
	listen(3)
	listen(3)
	require.Len(t, b.conversations(t), 3)
	require.Equal(t, "Third", b.conversations(t)[0].Subject)
	require.Contains(t, b.messages(t, b.conversations(t)[0].ID)[0], "This mail has 26 MB, more than the 25 MB")

	// The mailbox is made anew on its server: what is known is not taken in again.
	_, err := b.db.Worker.Pool().Exec(t.Context(), `update mail_cursors set validity = validity + 1, uid = 9999`)
	require.NoError(t, err)
	deliver(t, addr, raw("4@acme.test", "ana@acme.test", "support@usher.test", "Fourth", "After the move", vouched))
	open()
	listen(5) // with the one from long ago, which nobody took in
	require.Len(t, b.conversations(t), 5)
}
