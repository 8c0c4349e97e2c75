package egress

import (
	"errors"
	"fmt"
	"net"
	"net/netip"
	"slices"
	"syscall"
	"time"
)

// ErrForbidden says that an address was dialled that must not be reached.
var ErrForbidden = errors.New("address is not allowed")

// Guard decides which addresses may be dialled: public unicast ones on ports 80
// and 443, and those the operator names.
type Guard struct {
	Allow   []netip.Prefix // addresses allowed although they are not public, on any port
	Ports   []uint16       // default 80 and 443
	AnyPort bool
}

// reserved are ranges that are not public although netip has no word for them.
var reserved = func() []netip.Prefix {
	var out []netip.Prefix
	for _, text := range []string{
		"0.0.0.0/8", "100.64.0.0/10", "192.0.0.0/24", "192.0.2.0/24", "192.88.99.0/24", "198.18.0.0/15", "198.51.100.0/24",
		"203.0.113.0/24", "240.0.0.0/4", "64:ff9b::/96", "64:ff9b:1::/48", "100::/64", "2001::/23", "2001:db8::/32", "2002::/16", "3fff::/20", "fec0::/10", "::/96",
	} {
		out = append(out, netip.MustParsePrefix(text))
	}
	return out
}()

// Check reports whether an address and port as dialled are allowed.
func (g Guard) Check(address string) error {
	to, err := netip.ParseAddrPort(address)
	if err != nil {
		return fmt.Errorf("%w: %q is no address", ErrForbidden, address)
	}
	ip := to.Addr().Unmap()
	within := func(p netip.Prefix) bool { return p.Contains(ip.WithZone("")) }
	if slices.ContainsFunc(g.Allow, within) {
		return nil
	}
	if !ip.IsGlobalUnicast() || ip.IsPrivate() || ip.IsLoopback() || ip.IsLinkLocalUnicast() || ip.IsMulticast() || slices.ContainsFunc(reserved, within) {
		return fmt.Errorf("%w: %s is not a public address", ErrForbidden, ip)
	}
	ports := g.Ports
	if len(ports) == 0 {
		ports = []uint16{80, 443}
	}
	if !g.AnyPort && !slices.Contains(ports, to.Port()) {
		return fmt.Errorf("%w: port %d", ErrForbidden, to.Port())
	}
	return nil
}

// Dialer dials what the guard allows. The check sees the address after names are
// resolved, on every dial.
func (g Guard) Dialer() *net.Dialer {
	return &net.Dialer{Timeout: 5 * time.Second, Control: func(_, address string, _ syscall.RawConn) error { return g.Check(address) }}
}
