package email

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base32"
	"strings"

	"github.com/google/uuid"
)

// A reply address carries the conversation and a signature over conversation and
// recipient: reply+TOKEN@domain. Whoever answers it from another address than
// the recipient's is somebody else.

var code = base32.NewEncoding("abcdefghijklmnopqrstuvwxyz234567").WithPadding(base32.NoPadding)

const macBytes = 12

// replyAddress is where answers of one recipient in one conversation go.
func (s *Service) replyAddress(conversation uuid.UUID, recipient string) string {
	local, domain, _ := strings.Cut(s.ReplyTo, "@")
	return local + "+" + code.EncodeToString(append(conversation[:], s.mac(conversation, recipient)...)) + "@" + domain
}

func (s *Service) mac(conversation uuid.UUID, recipient string) []byte {
	h := hmac.New(sha256.New, []byte(s.Secret))
	h.Write([]byte("usher reply address v1\x00"))
	h.Write(conversation[:])
	h.Write([]byte(strings.ToLower(strings.TrimSpace(recipient))))
	return h.Sum(nil)[:macBytes]
}

// token finds a reply address of ours among a mail's recipients.
func (s *Service) token(to []string) (conversation uuid.UUID, mac []byte, ok bool) {
	local, domain, _ := strings.Cut(strings.ToLower(s.ReplyTo), "@")
	for _, address := range to {
		at, host, _ := strings.Cut(strings.ToLower(address), "@")
		encoded, found := strings.CutPrefix(at, local+"+")
		if !found || host != domain {
			continue
		}
		raw, err := code.DecodeString(encoded)
		if err == nil && len(raw) == 16+macBytes {
			return uuid.UUID(raw[:16]), raw[16:], true
		}
	}
	return uuid.Nil, nil, false
}

// belongsTo reports whether a token was made for a recipient.
func (s *Service) belongsTo(conversation uuid.UUID, mac []byte, recipient string) bool {
	return hmac.Equal(mac, s.mac(conversation, recipient))
}
