package search

import (
	"testing"

	"github.com/stretchr/testify/require"
)

func TestProductsAreFoundInConversations(t *testing.T) {
	t.Parallel()
	c := newCatalogue([]string{"Acorn Guest House", "Bridge Guest House", "Cedar Guest House", "The Golden Wok", "Arbury Lodge", "University Arms Hotel", "Gonville Hotel", "Nirala"})
	for text, want := range map[string][]string{
		"is the acorn guest house quiet?":                     {"Acorn Guest House"},
		"does the Acorn have parking":                         {"Acorn Guest House"},
		"a guest house in the north":                          nil,
		"the goldenn wok":                                     {"The Golden Wok"},
		"Gonville Hotel and the University Arms both have it": {"University Arms Hotel", "Gonville Hotel"},
		"niralas food":                                        {"Nirala"},
		"":                                                    nil,
	} {
		require.Equal(t, want, c.mentioned(text), text)
	}
	require.Nil(t, newCatalogue(nil).mentioned("anything"))
}
