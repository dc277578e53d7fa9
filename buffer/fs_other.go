//go:build unix && !linux

package buffer

import "errors"

func (f *osFile) WriteVec(bufs [][]byte, off int64) error {
	for _, b := range bufs {
		n, err := f.WriteAt(b, off)
		if err != nil {
			return noSpace(err)
		}
		off += int64(n)
	}
	return nil
}

func (f *osFile) Allocate(off, n int64) error { return errors.ErrUnsupported }

func (f *osFile) Datasync() error { return f.Sync() }
