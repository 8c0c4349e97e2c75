package blob

import (
	"bytes"
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"hash"
	"io"
	"slices"
	"strings"
	"unicode"

	"github.com/gabriel-vasile/mimetype"
)

// Limits of what is taken in. Types are told by content, not by name.
type Limits struct {
	MaxBytes int64
	Types    []string
}

// Taken is what the bytes turned out to be.
type Taken struct {
	Size        int64
	Sum         []byte // SHA-256
	ContentType string
}

// Take stores bytes under a key while it measures and hashes them.
func Take(ctx context.Context, store Store, key string, body io.Reader, limits Limits) (Taken, error) {
	head := make([]byte, 3072)
	n, err := io.ReadFull(body, head)
	if n == 0 {
		if err == nil || errors.Is(err, io.EOF) {
			return Taken{}, ErrEmpty
		}
		return Taken{}, err
	}
	head = head[:n]
	kind := mimetype.Detect(head)
	if !slices.ContainsFunc(limits.Types, kind.Is) {
		return Taken{}, fmt.Errorf("%w: %s", ErrType, kind)
	}
	m := &meter{body: io.MultiReader(bytes.NewReader(head), body), left: limits.MaxBytes, sum: sha256.New()}
	if err := store.Put(ctx, key, m, -1, kind.String()); err != nil {
		_ = store.Delete(context.WithoutCancel(ctx), key)
		return Taken{}, err
	}
	return Taken{m.size, m.sum.Sum(nil), kind.String()}, nil
}

// meter counts and hashes, and refuses to read more than it may.
type meter struct {
	body io.Reader
	left int64
	size int64
	sum  hash.Hash
}

func (m *meter) Read(p []byte) (int, error) {
	n, err := m.body.Read(p)
	m.size, m.left = m.size+int64(n), m.left-int64(n)
	if m.left < 0 {
		return 0, ErrTooLarge
	}
	m.sum.Write(p[:n])
	return n, err
}

// CleanName is the last part of a name, without what confuses people or systems;
// otherwise is for a name nothing is left of.
func CleanName(name, otherwise string) string {
	name = name[strings.LastIndexAny(name, `/\`)+1:]
	name = strings.Map(func(r rune) rune {
		if unicode.IsControl(r) || unicode.Is(unicode.Cf, r) || r == unicode.ReplacementChar || strings.ContainsRune(`"<>|*?:`, r) {
			return -1
		}
		return r
	}, strings.ToValidUTF8(name, ""))
	name = strings.Trim(strings.Join(strings.Fields(name), " "), ". ")
	if runes := []rune(name); len(runes) > 150 {
		name = string(runes[:100]) + "…" + string(runes[len(runes)-49:])
	}
	if name == "" {
		return otherwise
	}
	return name
}
