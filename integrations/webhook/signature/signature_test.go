package signature_test

import (
	"crypto/ed25519"
	"encoding/base64"
	"encoding/json"
	"net/http"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/usherdesk/usher/integrations/webhook/signature"
	"github.com/usherdesk/usher/migrations/dbtest"
)

type vectors struct {
	Vendors map[string]struct {
		Cases []struct {
			Name, Method, URL, Version, Secret, Body, Expect string
			Now                                              int64
			NowMS                                            int64 `json:"now_ms"`
			Headers                                          map[string]string
		}
	}
}

func TestPublishedVectors(t *testing.T) {
	t.Parallel()
	raw, err := os.ReadFile(dbtest.TestData(t, "contracts", "webhook-signatures.vectors.json"))
	require.NoError(t, err)
	var v vectors
	require.NoError(t, json.Unmarshal(raw, &v))
	checks := map[string]signature.Verify{
		"slack": signature.Slack, "hubspot": signature.HubSpot, "stripe": signature.Stripe, "onfido": signature.Onfido,
		"docusign": signature.DocuSign, "pandadoc": signature.PandaDoc, "sumsub": signature.Sumsub,
		"standard_webhooks": signature.StandardWebhooks,
	}
	n := 0
	for vendor, set := range v.Vendors {
		for _, c := range set.Cases {
			check := checks[vendor]
			require.NotNil(t, check, vendor)
			if c.Version == "v1" || c.Version == "v2" {
				check = signature.HubSpotLegacy
			}
			now := time.Unix(c.Now, 0)
			if c.NowMS != 0 {
				now = time.UnixMilli(c.NowMS)
			}
			header := http.Header{}
			for k, value := range c.Headers {
				header.Set(k, value)
			}
			err := check(signature.Request{Method: c.Method, URL: c.URL, Header: header, Body: []byte(c.Body)}, now, "an-old-secret", c.Secret)
			if c.Expect == "accept" {
				require.NoError(t, err, "%s: %s", vendor, c.Name)
			} else {
				require.Error(t, err, "%s: %s", vendor, c.Name)
			}
			n++
		}
	}
	require.GreaterOrEqual(t, n, 62)
	t.Logf("%d published cases hold", n)
}

func TestSignStandard(t *testing.T) {
	t.Parallel()
	now := time.Unix(1_800_000_000, 0)
	public, private, err := ed25519.GenerateKey(nil)
	require.NoError(t, err)
	secret := "whsec_" + base64.StdEncoding.EncodeToString([]byte(strings.Repeat("s", 32)))
	body := []byte(`{"type":"ticket.created"}`)
	header, err := signature.SignStandard("msg_1", now, body, secret, "whsk_"+base64.StdEncoding.EncodeToString(private))
	require.NoError(t, err)
	for _, key := range []string{secret, "whpk_" + base64.StdEncoding.EncodeToString(public)} {
		require.NoError(t, signature.StandardWebhooks(signature.Request{Header: header, Body: body}, now, key))
		require.ErrorIs(t, signature.StandardWebhooks(signature.Request{Header: header, Body: []byte(`{}`)}, now, key), signature.ErrMismatch)
		require.ErrorIs(t, signature.StandardWebhooks(signature.Request{Header: header, Body: body}, now.Add(time.Hour), key), signature.ErrStale)
	}
	_, err = signature.SignStandard("msg_1", now, body)
	require.Error(t, err)
	_, err = signature.SignStandard("msg_1", now, body, "whsec_c2hvcnQ=")
	require.Error(t, err)
}

func TestEmptySecretsNeverMatch(t *testing.T) {
	t.Parallel()
	header := http.Header{}
	header.Set("X-SHA2-Signature", strings.Repeat("00", 32))
	require.ErrorIs(t, signature.Onfido(signature.Request{Header: header}, time.Now(), ""), signature.ErrMismatch)
}

func FuzzStandardWebhooks(f *testing.F) {
	f.Add("msg_1", "1700000000", "v1,AAAA", "{}")
	f.Fuzz(func(t *testing.T, id, stamp, given, body string) {
		header := http.Header{"Webhook-Id": {id}, "Webhook-Timestamp": {stamp}, "Webhook-Signature": {given}}
		err := signature.StandardWebhooks(signature.Request{Header: header, Body: []byte(body)}, time.Unix(1_700_000_000, 0), "whsec_"+strings.Repeat("A", 32))
		if err == nil {
			t.Fatal("a made-up signature was accepted")
		}
	})
}
