package egress_test

import (
	"net/netip"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/usherdesk/usher/integrations/egress"
)

func TestOnlyPublicAddressesAreDialled(t *testing.T) {
	t.Parallel()
	for _, address := range []string{
		"127.0.0.1:443", "127.1.2.3:80", "[::1]:443", "10.0.0.1:443", "172.16.9.9:443", "192.168.1.1:443", "169.254.169.254:80", "100.64.0.1:443",
		"0.0.0.0:443", "224.0.0.1:443", "255.255.255.255:443", "[::ffff:127.0.0.1]:443", "[::ffff:10.0.0.1]:443", "[64:ff9b::7f00:1]:443",
		"[fe80::1%eth0]:443", "[fc00::1]:443", "[fd00:ec2::254]:80", "[ff02::1]:443", "[::127.0.0.1]:443", "[2002:7f00:1::]:443", "[2001:db8::1]:443",
		"198.18.0.1:443", "8.8.8.8:22", "8.8.8.8:5432", "localhost:443", "8.8.8.8",
	} {
		require.ErrorIs(t, egress.Guard{}.Check(address), egress.ErrForbidden, address)
	}
	for _, address := range []string{"8.8.8.8:443", "1.1.1.1:80", "[2606:4700::1111]:443"} {
		require.NoError(t, egress.Guard{}.Check(address), address)
	}
	here := egress.Guard{Allow: []netip.Prefix{netip.MustParsePrefix("127.0.0.0/8")}}
	require.NoError(t, here.Check("127.0.0.1:5555"))
	require.ErrorIs(t, here.Check("10.0.0.1:443"), egress.ErrForbidden)
	require.NoError(t, egress.Guard{AnyPort: true}.Check("8.8.8.8:8443"))
	require.ErrorIs(t, egress.Guard{AnyPort: true}.Check("127.0.0.1:8443"), egress.ErrForbidden)
}
