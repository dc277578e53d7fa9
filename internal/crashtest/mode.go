package main

import (
	"fmt"
	"math/rand/v2"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"slices"

	"sluice/catalogsync/embedded"
	"sluice/internal/s3test"
)

// The modes: where lake and catalog are.
const (
	modeFile = "file"
	modeS3   = "s3"
	modeGlue = "glue"
)

var modeNames = []string{modeFile, modeS3, modeGlue}

func known(mode string) bool { return slices.Contains(modeNames, mode) }

// A place is the surroundings of a round's server: lake, catalog, disk, and what
// breaks them.
type place struct {
	mode    string
	dir     string     // of the round
	data    string     // the server's data folder
	lake    string     // the folder in which the lake's objects are files
	env     []string   // settings of the server
	proxies []*proxy   // those that fail
	disk    *smallDisk // nil: it cannot be filled
	clock   *clock     // nil: it does not jump
	closers []func()
}

// lakePrefix is the lake's folder in the bucket.
const lakePrefix = "lake"

// diskSize is room for a round's data, the lake included.
const diskSize = 384 << 20

func openPlace(r *round) (_ *place, err error) {
	p := &place{mode: r.mode, dir: r.dir, data: filepath.Join(r.dir, "data")}
	p.lake = filepath.Join(p.data, "lake")
	defer func() {
		if err != nil {
			p.close()
		}
	}()
	if r.cfg.clock {
		if p.clock, err = openClock(filepath.Join(r.dir, "clock")); err != nil {
			return nil, err
		}
		p.closers = append(p.closers, func() { p.clock.file.Close() })
		p.set(clockVariable, p.clock.file.Name())
	}
	if p.mode == modeFile && r.cfg.disk {
		if disk, err := mountSmall(p.data, diskSize); err != nil {
			r.rep.skip("the disk was not filled: " + err.Error())
		} else {
			p.disk = disk
			p.closers = append(p.closers, func() { disk.unmount() })
		}
	}
	if p.mode == modeFile {
		return p, nil
	}
	if err := p.openS3(r); err != nil {
		return nil, err
	}
	if p.mode == modeGlue {
		err = p.openGlue(r)
	}
	return p, err
}

func (p *place) set(name, value string) { p.env = append(p.env, name+"="+value) }

// openS3 starts the object store and the proxy before it.
func (p *place) openS3(r *round) error {
	path, err := s3test.Find()
	if err != nil {
		return fmt.Errorf("mode %s: %w (or leave the mode out of -modes)", p.mode, err)
	}
	s, stop, err := s3test.Launch(path, filepath.Join(p.dir, "s3"))
	if err != nil {
		return err
	}
	p.closers = append(p.closers, func() { stop() })
	p.lake = s.File(lakePrefix)
	for name, value := range s3test.Environment() {
		p.set(name, value)
	}
	proxy, err := p.proxy(r, "s3", s.Endpoint, s3Replies)
	if err != nil {
		return err
	}
	p.set("SLUICE_LAKE", "s3://"+s3test.Bucket+"/"+lakePrefix)
	p.set("SLUICE_S3_ENDPOINT", proxy.url())
	p.set("SLUICE_S3_PATH_STYLE", "true")
	return nil
}

// openGlue serves a catalog over HTTP, with the proxy before it.
func (p *place) openGlue(r *round) error {
	catalog, err := embedded.Open(filepath.Join(p.dir, "catalog.db"))
	if err != nil {
		return err
	}
	p.closers = append(p.closers, func() { catalog.Close() })
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return err
	}
	server := &http.Server{Handler: catalog}
	go server.Serve(l)
	p.closers = append(p.closers, func() { server.Close() })
	proxy, err := p.proxy(r, "glue", "http://"+l.Addr().String(), glueReplies)
	if err != nil {
		return err
	}
	p.set("SLUICE_CATALOG", "glue")
	p.set("SLUICE_GLUE_ENDPOINT", proxy.url())
	p.set("SLUICE_GLUE_REGION", s3test.Region)
	return nil
}

func (p *place) proxy(r *round, name, target string, says replies) (*proxy, error) {
	proxy, err := newProxy(name, target, says, r.dice(), r.calm, r.rep)
	if err == nil {
		p.proxies = append(p.proxies, proxy)
		p.closers = append(p.closers, proxy.close)
	}
	return proxy, err
}

// close ends all that openPlace began, the last first.
func (p *place) close() {
	for _, f := range slices.Backward(p.closers) {
		f()
	}
	p.closers = nil
}

// keep copies what would be gone with the small disk.
func (p *place) keep() error {
	if p.disk == nil {
		return nil
	}
	if err := p.disk.free(); err != nil {
		return err
	}
	return os.CopyFS(filepath.Join(p.dir, "data-kept"), os.DirFS(p.data))
}

// maxLog is the ceiling of the log.
const maxLog = 8 << 20

// environment is all of the server's: this process's, the settings of every
// round, and those of this start.
func (p *place) environment(rng *rand.Rand, raw bool) []string {
	env := append(os.Environ(), p.env...)
	return append(env,
		// Whether the client of S3 or the service tries again.
		fmt.Sprintf("AWS_MAX_ATTEMPTS=%d", 1+rng.IntN(4)),
		"SLUICE_S3_TIMEOUT="+clientTimeout.String(), "SLUICE_GLUE_TIMEOUT="+clientTimeout.String(),
		"SLUICE_LOG_FORMAT=json", "SLUICE_STREAMS="+streamsConfig(rng), "SLUICE_HTTP_IDEMPOTENCY_WINDOW="+window.String(),
		"SLUICE_BUFFER_SIZE=1MiB", "SLUICE_BUFFER_INTERVAL=400ms", fmt.Sprintf("SLUICE_BUFFER_MAX_BYTES=%d", maxLog), "SLUICE_BUFFER_MIN_FREE=4MiB",
		"SLUICE_CONVERT_MEMORY=64MiB", "SLUICE_CONVERT_ROW_GROUP=1MiB", "SLUICE_QUERY_MEMORY=256MiB", "SLUICE_QUERY_CACHE=128MiB",
		fmt.Sprintf("SLUICE_RAW_ENABLED=%t", raw), "SLUICE_RAW_PREFIX="+rawPrefix,
		fmt.Sprintf("SLUICE_DELIVERY_DRAIN_ON_STOP=%t", rng.IntN(2) == 0), "SLUICE_DELIVERY_STOP_TIMEOUT="+stopTimeout.String(),
	)
}
