// Package s3 keeps documents in any S3-compatible store, with minio-go. It
// implements blob.Store and blob.Presigner.
package s3

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"mime"
	"net/http"
	"net/url"
	"os"
	"time"

	"github.com/minio/minio-go/v7"
	"github.com/minio/minio-go/v7/pkg/credentials"

	"github.com/usherdesk/usher/portal/onboarding/blob"
)

// ErrBadConfig says a configuration cannot work.
var ErrBadConfig = errors.New("s3 configuration is not valid")

// Config says where the bucket is. Keys come from the operator's settings.
type Config struct {
	Endpoint  string // https://s3.example.com
	Region    string // default us-east-1
	Bucket    string
	AccessKey string
	SecretKey string
	Transport http.RoundTripper // default the library's
}

// Store is a bucket.
type Store struct {
	client *minio.Client
	bucket string
}

var (
	_ blob.Store     = (*Store)(nil)
	_ blob.Presigner = (*Store)(nil)
)

// New checks the configuration; it does not call the store.
func New(config Config) (*Store, error) {
	endpoint, err := url.Parse(config.Endpoint)
	if err != nil || endpoint.Host == "" || endpoint.Scheme != "https" && endpoint.Scheme != "http" {
		return nil, fmt.Errorf("%w: endpoint must be http(s)://host", ErrBadConfig)
	}
	if config.Bucket == "" || config.AccessKey == "" || config.SecretKey == "" {
		return nil, fmt.Errorf("%w: it needs a bucket and both keys", ErrBadConfig)
	}
	client, err := minio.New(endpoint.Host, &minio.Options{
		Creds: credentials.NewStaticV4(config.AccessKey, config.SecretKey, ""), Secure: endpoint.Scheme == "https",
		Region: cmp.Or(config.Region, "us-east-1"), BucketLookup: minio.BucketLookupPath, Transport: config.Transport, MaxRetries: 3,
	})
	if err != nil {
		return nil, fmt.Errorf("%w: %w", ErrBadConfig, err)
	}
	return &Store{client, config.Bucket}, nil
}

// partSize keeps every accepted document one request.
const partSize = 128 << 20

// Put implements blob.Store. The bytes wait in a file until they are
// complete, so that memory stays bounded and a cancelled upload stores nothing.
func (s *Store) Put(ctx context.Context, key string, body io.Reader, _ int64, contentType string) error {
	spool, err := os.CreateTemp("", "usher-upload-*")
	if err != nil {
		return fmt.Errorf("store in s3: %w", err)
	}
	defer func() {
		_ = spool.Close()
		_ = os.Remove(spool.Name())
	}()
	size, err := io.Copy(spool, body)
	if err == nil {
		err = context.Cause(ctx)
	}
	if err == nil {
		_, err = spool.Seek(0, io.SeekStart)
	}
	if err == nil {
		_, err = s.client.PutObject(ctx, s.bucket, key, spool, size, minio.PutObjectOptions{
			ContentType: contentType, PartSize: partSize, ContentDisposition: "attachment",
		})
	}
	if err != nil {
		return fmt.Errorf("store in s3: %w", err)
	}
	return nil
}

// Open implements blob.Store.
func (s *Store) Open(ctx context.Context, key string) (io.ReadCloser, error) {
	object, err := s.client.GetObject(ctx, s.bucket, key, minio.GetObjectOptions{})
	if err == nil {
		_, err = object.Stat() // the request is made here
	}
	if err != nil {
		if code := minio.ToErrorResponse(err).Code; code == "NoSuchKey" || code == "NotFound" {
			return nil, blob.ErrNone
		}
		return nil, fmt.Errorf("open from s3: %w", err)
	}
	return object, nil
}

// Delete implements blob.Store.
func (s *Store) Delete(ctx context.Context, key string) error {
	if err := s.client.RemoveObject(ctx, s.bucket, key, minio.RemoveObjectOptions{}); err != nil {
		return fmt.Errorf("delete from s3: %w", err)
	}
	return nil
}

// Presign implements blob.Presigner: the address downloads, never displays.
func (s *Store) Presign(ctx context.Context, key, fileName, contentType string, lifetime time.Duration) (string, error) {
	address, err := s.client.PresignedGetObject(ctx, s.bucket, key, lifetime, url.Values{
		"response-content-disposition": {mime.FormatMediaType("attachment", map[string]string{"filename": fileName})},
		"response-content-type":        {contentType},
	})
	if err != nil {
		return "", fmt.Errorf("sign s3 address: %w", err)
	}
	return address.String(), nil
}
