// Package signature checks the signatures vendors put on webhooks, and makes
// the ones on our own. All of it works on the raw bytes as received, compares in
// constant time, takes several secrets (for rotation) and an explicit clock.
//
// Schemes without a timestamp (Onfido, DocuSign, PandaDoc, Sumsub) do not guard
// against replay: their callers store an event's identity and refuse it twice.
package signature

import (
	"crypto/ed25519"
	"crypto/hmac"
	"crypto/sha256"
	"crypto/sha512"
	"encoding/base64"
	"encoding/hex"
	"errors"
	"fmt"
	"hash"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"
)

// Errors of a check. None says which part of a signature was wrong.
var (
	ErrMissing  = errors.New("signature is missing")
	ErrMismatch = errors.New("signature does not match")
	ErrStale    = errors.New("signature is too old or from the future")
)

// Tolerance is how far a signature's time may be from ours, either way.
const Tolerance = 5 * time.Minute

// Request is what was received. URL is the public one, as the sender called it:
// build it from configuration, never from Host or X-Forwarded headers.
type Request struct {
	Method string
	URL    string
	Header http.Header
	Body   []byte
}

// Verify is a vendor's check. A nil error means that one of the secrets signed
// the request. Empty secrets never match.
type Verify func(r Request, now time.Time, secrets ...string) error

// Slack checks scheme v0.
func Slack(r Request, now time.Time, secrets ...string) error {
	stamp, given := r.Header.Get("X-Slack-Request-Timestamp"), r.Header.Get("X-Slack-Signature")
	if err := fresh(stamp, time.Second, now); err != nil {
		return err
	}
	encoded, ok := strings.CutPrefix(given, "v0=")
	if !ok {
		return ErrMissing
	}
	return anyHex(sha256.New, []byte("v0:"+stamp+":"+string(r.Body)), encoded, secrets)
}

// HubSpot checks v3 and refuses requests without it: v1 and v2 have no
// timestamp and are covered by HubSpotLegacy.
func HubSpot(r Request, now time.Time, secrets ...string) error {
	stamp, given := r.Header.Get("X-HubSpot-Request-Timestamp"), r.Header.Get("X-HubSpot-Signature-v3")
	if given == "" {
		return ErrMissing
	}
	if err := fresh(stamp, time.Millisecond, now); err != nil {
		return err
	}
	return anyBase64([]byte(r.Method+hubSpotURL(r.URL)+string(r.Body)+stamp), []string{given}, secrets)
}

// hubSpotURL decodes the escapes HubSpot decodes before it signs.
func hubSpotURL(raw string) string {
	return strings.NewReplacer("%3A", ":", "%2F", "/", "%3F", "?", "%40", "@", "%21", "!", "%24", "$", "%27", "'",
		"%28", "(", "%29", ")", "%2A", "*", "%2C", ",", "%3B", ";",
		"%3a", ":", "%2f", "/", "%3f", "?", "%2a", "*", "%2c", ",", "%3b", ";").Replace(raw)
}

// HubSpotLegacy checks v1 and v2: no protection against replay. Use only where v3 is not sent.
func HubSpotLegacy(r Request, _ time.Time, secrets ...string) error {
	given, err := hex.DecodeString(r.Header.Get("X-HubSpot-Signature"))
	if err != nil || len(given) == 0 {
		return ErrMissing
	}
	for _, secret := range secrets {
		signed := secret + string(r.Body)
		if r.Header.Get("X-HubSpot-Signature-Version") == "v2" {
			signed = secret + r.Method + r.URL + string(r.Body)
		}
		sum := sha256.Sum256([]byte(signed))
		if secret != "" && hmac.Equal(sum[:], given) {
			return nil
		}
	}
	return ErrMismatch
}

// Stripe checks v1 of Stripe-Signature; the key is the whole endpoint secret.
func Stripe(r Request, now time.Time, secrets ...string) error {
	var stamp string
	var given []string
	for _, part := range strings.Split(r.Header.Get("Stripe-Signature"), ",") {
		key, value, _ := strings.Cut(strings.TrimSpace(part), "=")
		switch key {
		case "t":
			stamp = value
		case "v1":
			given = append(given, value)
		}
	}
	if len(given) == 0 {
		return ErrMissing
	}
	if err := fresh(stamp, time.Second, now); err != nil {
		return err
	}
	for _, one := range given {
		if anyHex(sha256.New, []byte(stamp+"."+string(r.Body)), one, secrets) == nil {
			return nil
		}
	}
	return ErrMismatch
}

// Onfido checks X-SHA2-Signature.
func Onfido(r Request, _ time.Time, secrets ...string) error {
	return anyHex(sha256.New, r.Body, r.Header.Get("X-SHA2-Signature"), secrets)
}

// DocuSign checks X-DocuSign-Signature-1 to -100, of which one must match.
func DocuSign(r Request, _ time.Time, secrets ...string) error {
	var given []string
	for i := 1; i <= 100; i++ {
		value := r.Header.Get("X-DocuSign-Signature-" + strconv.Itoa(i))
		if value == "" {
			break
		}
		given = append(given, value)
	}
	if len(given) == 0 {
		return ErrMissing
	}
	return anyBase64(r.Body, given, secrets)
}

// PandaDoc checks the query parameter "signature".
func PandaDoc(r Request, _ time.Time, secrets ...string) error {
	parsed, err := url.Parse(r.URL)
	if err != nil {
		return ErrMissing
	}
	return anyHex(sha256.New, r.Body, parsed.Query().Get("signature"), secrets)
}

// Sumsub checks X-Payload-Digest with SHA-256 or SHA-512; SHA-1 is refused.
func Sumsub(r Request, _ time.Time, secrets ...string) error {
	var algorithm func() hash.Hash
	switch r.Header.Get("X-Payload-Digest-Alg") {
	case "HMAC_SHA256_HEX":
		algorithm = sha256.New
	case "HMAC_SHA512_HEX":
		algorithm = sha512.New
	default:
		return fmt.Errorf("%w: algorithm not accepted", ErrMismatch)
	}
	return anyHex(algorithm, r.Body, r.Header.Get("X-Payload-Digest"), secrets)
}

// StandardWebhooks checks v1 (secret whsec_… or bare base64) and v1a (public
// key whpk_…) of the Standard Webhooks scheme.
func StandardWebhooks(r Request, now time.Time, secrets ...string) error {
	id, stamp, given := r.Header.Get("Webhook-Id"), r.Header.Get("Webhook-Timestamp"), r.Header.Get("Webhook-Signature")
	if id == "" || given == "" {
		return ErrMissing
	}
	if err := fresh(stamp, time.Second, now); err != nil {
		return err
	}
	signed := standardContent(id, stamp, r.Body)
	for _, one := range strings.Fields(given) {
		version, encoded, _ := strings.Cut(one, ",")
		value, err := base64.StdEncoding.DecodeString(encoded)
		if err != nil || len(value) == 0 {
			continue
		}
		for _, secret := range secrets {
			if standardMatches(version, secret, signed, value) {
				return nil
			}
		}
	}
	return ErrMismatch
}

func standardContent(id, stamp string, body []byte) []byte {
	return []byte(id + "." + stamp + "." + string(body))
}

func standardMatches(version, secret string, signed, value []byte) bool {
	if public, ok := strings.CutPrefix(secret, "whpk_"); ok {
		key, err := base64.StdEncoding.DecodeString(public)
		return err == nil && version == "v1a" && len(key) == ed25519.PublicKeySize && ed25519.Verify(key, signed, value)
	}
	key, err := base64.StdEncoding.DecodeString(strings.TrimPrefix(secret, "whsec_"))
	if err != nil || len(key) == 0 || version != "v1" {
		return false
	}
	return hmac.Equal(mac(sha256.New, key, signed), value)
}

// SignStandard makes the headers of one of our own webhooks: v1 for each
// symmetric secret (whsec_…), v1a for each private key (whsk_…).
func SignStandard(id string, at time.Time, body []byte, secrets ...string) (http.Header, error) {
	stamp := strconv.FormatInt(at.Unix(), 10)
	signed := standardContent(id, stamp, body)
	var list []string
	for _, secret := range secrets {
		if private, ok := strings.CutPrefix(secret, "whsk_"); ok {
			key, err := base64.StdEncoding.DecodeString(private)
			if err != nil || len(key) != ed25519.PrivateKeySize {
				return nil, errors.New("webhook key is not an ed25519 private key")
			}
			list = append(list, "v1a,"+base64.StdEncoding.EncodeToString(ed25519.Sign(key, signed)))
			continue
		}
		key, err := base64.StdEncoding.DecodeString(strings.TrimPrefix(secret, "whsec_"))
		if err != nil || len(key) < 24 || len(key) > 64 {
			return nil, errors.New("webhook secret is not 24 to 64 bytes in base64")
		}
		list = append(list, "v1,"+base64.StdEncoding.EncodeToString(mac(sha256.New, key, signed)))
	}
	if len(list) == 0 {
		return nil, errors.New("a webhook needs a secret to be signed with")
	}
	header := http.Header{}
	header.Set("Webhook-Id", id)
	header.Set("Webhook-Timestamp", stamp)
	header.Set("Webhook-Signature", strings.Join(list, " "))
	return header, nil
}

func fresh(stamp string, unit time.Duration, now time.Time) error {
	if stamp == "" {
		return ErrMissing
	}
	n, err := strconv.ParseInt(stamp, 10, 64)
	if err != nil || n < 0 {
		return ErrMissing
	}
	at := time.Unix(n, 0)
	if unit == time.Millisecond {
		at = time.UnixMilli(n)
	}
	if age := now.Sub(at); age > Tolerance || age < -Tolerance {
		return ErrStale
	}
	return nil
}

func anyHex(algorithm func() hash.Hash, signed []byte, encoded string, secrets []string) error {
	given, err := hex.DecodeString(encoded)
	if err != nil || len(given) == 0 {
		return ErrMissing
	}
	for _, secret := range secrets {
		if secret != "" && hmac.Equal(mac(algorithm, []byte(secret), signed), given) {
			return nil
		}
	}
	return ErrMismatch
}

func anyBase64(signed []byte, given, secrets []string) error {
	for _, one := range given {
		value, err := base64.StdEncoding.DecodeString(one)
		if err != nil {
			continue
		}
		for _, secret := range secrets {
			if secret != "" && hmac.Equal(mac(sha256.New, []byte(secret), signed), value) {
				return nil
			}
		}
	}
	return ErrMismatch
}

func mac(algorithm func() hash.Hash, key, signed []byte) []byte {
	h := hmac.New(algorithm, key)
	h.Write(signed)
	return h.Sum(nil)
}
