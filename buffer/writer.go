package buffer

import (
	"errors"
	"fmt"
	"hash/crc32"

	"sluice/internal/lake"
)

const (
	// sealRoom is kept allocated behind the frames, so that a batch can be
	// sealed when the disk has nothing left. Larger rules take their chance.
	sealRoom = 64 << 10
	// A segment grows by as much as it holds, between these.
	minGrowth = 256 << 10
	maxGrowth = 32 << 20
	// inlineMax is the largest payload that is copied beside its header rather
	// than written from where it is: the copy is cheaper than another vector.
	inlineMax = 4 << 10
	// keepScratch bounds the memory that an idle stream keeps for its commits.
	keepScratch = 1 << 20
)

// A payload is the records of one frame to be written.
type payload struct {
	attrs   []byte
	data    []byte
	records int64
	arrival int64
	sum     uint32
}

// newPayload checksums a block.
func newPayload(b lake.Block) payload {
	return payload{b.Attrs, b.Data, int64(b.Records), b.Arrival.UnixMilli(), crc32.Update(crcOf(b.Attrs), castagnoli, b.Data)}
}

// size is the length of the payload's frame in the file.
func (p *payload) size() int64 { return frameHeaderLen + int64(len(p.attrs)) + int64(len(p.data)) }

// A writer appends frames to one segment. Nobody but the one who leads the log
// uses it.
type writer struct {
	file    File
	header  *fileHeader // still to be written, or nil
	salt    uint32
	off     int64 // where the next frame goes
	durable int64 // up to where an fsync has returned
	disk    int64 // size of the file
	reused  int64 // up to here the file may hold bytes of earlier segments
	tally         // of all frames written

	scratch []byte
	vecs    [][]byte
}

// need is how many bytes the payloads take in the file, with the seal to come.
func (w *writer) need(group []payload) int64 {
	n := int64(sealRoom)
	if w.header != nil {
		n += fileHeaderLen
	}
	for i := range group {
		n += group[i].size()
	}
	return n
}

// growth is by how much the file must grow to take n bytes more, and by how
// much it better does.
func (w *writer) growth(n int64) (need, want int64) {
	need = w.off + n - w.disk
	return need, max(need, min(max(w.disk, minGrowth), maxGrowth))
}

// grow preallocates room for n more bytes, out of sp. On a *FullError nothing
// has changed.
func (w *writer) grow(sp *space, n int64, forced bool) error {
	need, want := w.growth(n)
	if need <= 0 {
		return nil
	}
	if forced {
		want = need
	}
	got, err := sp.take(need, want, forced)
	if err != nil {
		return err
	}
	err = w.file.Allocate(w.disk, got)
	for errors.Is(err, ErrNoSpace) && (got > need || sp.drop()) {
		sp.give(got - need)
		got = need
		err = w.file.Allocate(w.disk, got)
	}
	switch {
	case err == nil, errors.Is(err, errors.ErrUnsupported):
		w.disk += got
		return nil
	case errors.Is(err, ErrNoSpace):
		sp.give(got)
		return diskFull(err)
	}
	sp.give(got)
	return fmt.Errorf("allocate %d bytes: %w", got, err)
}

// write appends the payloads as one frame each, with one write. They are not
// durable before sync.
func (w *writer) write(group []payload) error {
	size := fileHeaderLen
	for i := range group {
		size += frameHeaderLen + len(group[i].attrs)
		if len(group[i].data) <= inlineMax {
			size += len(group[i].data)
		}
	}
	if cap(w.scratch) < size {
		w.scratch = make([]byte, 0, size+size/2)
	}
	buf, vecs, flushed := w.scratch[:0], w.vecs[:0], 0
	off := w.off
	if w.header != nil {
		buf = buf[:fileHeaderLen]
		w.header.put(buf)
		off = fileHeaderLen
	}
	for i := range group {
		p := &group[i]
		h := frameHeader{
			kind: kindRecords, attrs: uint16(len(p.attrs)), length: uint32(len(p.data)), records: uint32(p.records), arrival: p.arrival,
			before: uint64(w.records), lag: uint32(off - w.durable), sum: p.sum,
		}
		n := len(buf)
		buf = buf[:n+frameHeaderLen]
		h.put(buf[n:], w.salt, off)
		buf = append(buf, p.attrs...)
		if len(p.data) <= inlineMax {
			buf = append(buf, p.data...)
		} else {
			vecs = append(vecs, buf[flushed:], p.data)
			flushed = len(buf)
		}
		off += h.size()
		w.add(p.records, int64(h.length), p.arrival)
	}
	if flushed < len(buf) {
		vecs = append(vecs, buf[flushed:])
	}
	if off < w.reused {
		vecs = append(vecs, blank[:padTo(off)-off])
	}
	w.vecs = vecs
	return w.flush(off)
}

// begin writes the header of a segment in a file that held others.
func (w *writer) begin(h *fileHeader) error {
	w.scratch = make([]byte, fileHeaderLen, keepScratch/4)
	h.put(w.scratch)
	w.vecs = append(w.vecs[:0], w.scratch, blank[:padTo(fileHeaderLen)-fileHeaderLen])
	return w.flush(fileHeaderLen)
}

const (
	padPage = 4 << 10
	minPad  = 64
)

// blank are the zeros that follow a commit in a file that is written again.
var blank [padPage + minPad]byte

// padTo is up to where zeros stand behind a commit that ends at off, where the
// file holds older bytes: to the end of the page, so that whole pages are
// written and none need be read first.
func padTo(off int64) int64 { return (off + minPad + padPage - 1) &^ (padPage - 1) }

// flush writes w.vecs at w.off, which is then off.
func (w *writer) flush(off int64) error {
	err := w.file.WriteVec(w.vecs, w.off)
	clear(w.vecs) // they hold on to the callers' data
	if cap(w.scratch) > keepScratch {
		w.scratch = nil
	}
	if err != nil {
		return err
	}
	w.off, w.header = off, nil
	w.disk = max(w.disk, off)
	return nil
}

// sync makes everything written durable.
func (w *writer) sync() error {
	if err := w.file.Datasync(); err != nil {
		return err
	}
	w.durable = w.off
	return nil
}

// sealSize is how many bytes a seal with such rules takes.
func sealSize(rules []byte) int64 { return frameHeaderLen + sealHeaderLen + int64(len(rules)) }

// seal writes the seal behind frames that are all durable, and syncs it.
func (w *writer) seal(s *sealRecord) error {
	body := s.encode()
	h := frameHeader{
		kind: kindSeal, length: uint32(len(body)), before: uint64(w.records), lag: uint32(w.off - w.durable),
		arrival: s.sealed, sum: crcOf(body),
	}
	var head [frameHeaderLen]byte
	h.put(head[:], w.salt, w.off)
	w.vecs = append(w.vecs[:0], head[:], body)
	if err := w.flush(w.off + h.size()); err != nil {
		return err
	}
	return w.sync()
}
