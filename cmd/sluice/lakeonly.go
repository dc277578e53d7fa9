package main

import (
	"context"
	"errors"
	"fmt"
	"net/url"
	"os"
	"path/filepath"
	"strings"

	"sluice/configs"
	"sluice/internal/lake/store"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/spf13/cobra"
)

// openLakeOnly opens the store and the catalog, and no log: what works beside a service
// that holds the data folder. The embedded catalog's file is shared by SQLite's locks.
func openLakeOnly(c *cobra.Command, cfg configs.Config) (_ *service, err error) {
	s := &service{cfg: cfg, log: logger(cfg, c), registry: prometheus.NewRegistry()}
	defer func() {
		if err != nil {
			s.close()
		}
	}()
	if err := s.openDefinitions(); err != nil {
		return nil, err
	}
	return s, s.openLake(c.Context())
}

// openSource opens what is there already, at an s3:// or file:// URI or in a folder; file
// is the key of the one file that was named instead of a folder, or "".
func (s *service) openSource(ctx context.Context, where string) (from store.Store, file string, err error) {
	if !strings.HasPrefix(where, "s3://") {
		if from, file, err := s.openFolder(ctx, where); err != nil || from != nil {
			return from, file, err
		}
	}
	from, err = store.Open(ctx, where, store.Config{S3: store.S3{Endpoint: s.cfg.S3.Endpoint, Region: s.cfg.S3.Region, PathStyle: s.cfg.S3.PathStyle, Timeout: s.cfg.S3.Timeout}, Logger: s.log})
	return from, "", err
}

// openFolder opens a folder or a file of this machine; nil where the URI is of another
// kind. The store would make a folder that is not there.
func (s *service) openFolder(ctx context.Context, where string) (from store.Store, file string, err error) {
	path := where
	if u, err := url.Parse(where); err == nil && len(u.Scheme) > 1 {
		if u.Scheme != "file" {
			return nil, "", nil
		}
		path = u.Path
	}
	info, err := os.Stat(path)
	if errors.Is(err, os.ErrNotExist) {
		return nil, "", usageError{fmt.Errorf("there is no folder %s", path)}
	}
	if err != nil {
		return nil, "", err
	}
	if !info.IsDir() {
		path, file = filepath.Split(path)
		if path == "" {
			path = "."
		}
	}
	from, err = store.Open(ctx, path, store.Config{Logger: s.log})
	return from, file, err
}
