package webhook

import (
	"net/http"
	"time"

	"github.com/usherdesk/usher/integrations/egress"
)

// client follows no redirect, uses no proxy and connects to what the guard allows.
func client(guard egress.Guard) *http.Client {
	return &http.Client{
		Timeout:       20 * time.Second,
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
		Transport: &http.Transport{
			Proxy: nil, DialContext: guard.Dialer().DialContext,
			TLSHandshakeTimeout: 5 * time.Second, ResponseHeaderTimeout: 15 * time.Second, MaxIdleConnsPerHost: 2, IdleConnTimeout: 30 * time.Second,
		},
	}
}
