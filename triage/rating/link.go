package rating

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"

	"github.com/google/uuid"
)

// Links signs what stands in a mail: whoever has the link may answer that one
// question and see nothing else.
type Links struct{ key []byte }

// NewLinks derives the key from the service's own secret.
func NewLinks(secret string) Links {
	mac := hmac.New(sha256.New, []byte(secret))
	mac.Write([]byte("rating links"))
	return Links{mac.Sum(nil)}
}

const signed = 16 // bytes of the signature

// Token names a question.
func (l Links) Token(tenant, id uuid.UUID) string {
	named := append(append(make([]byte, 0, 48), tenant[:]...), id[:]...)
	return base64.RawURLEncoding.EncodeToString(append(named, l.sign(named)...))
}

// Read is the question a token names; anything else is ErrBadLink.
func (l Links) Read(token string) (tenant, id uuid.UUID, err error) {
	raw, err := base64.RawURLEncoding.Strict().DecodeString(token)
	if err != nil || len(raw) != 32+signed || !hmac.Equal(raw[32:], l.sign(raw[:32])) {
		return uuid.Nil, uuid.Nil, ErrBadLink
	}
	return uuid.UUID(raw[:16]), uuid.UUID(raw[16:32]), nil
}

func (l Links) sign(named []byte) []byte {
	mac := hmac.New(sha256.New, l.key)
	mac.Write(named)
	return mac.Sum(nil)[:signed]
}
