package dedupe

import (
	"cmp"
	"path/filepath"
	"slices"

	"sluice/buffer"
)

const (
	// slots part the window: files whose newest keys arrived in one slot are
	// merged with one another only, so they expire together.
	slots = 8
	// maxInSlot is how many files may be in the current slot before some of them
	// are merged.
	maxInSlot = 8
)

// slotOf is the slot of a file.
func slotOf(f *keyFile, window uint32) uint32 { return f.head.newest / max(1, window/slots) }

// pickMerge chooses files that are better one file: those of a slot that is over,
// or, where there are many in the current one, the smaller of them. nil if
// there are none.
func pickMerge(files []*keyFile, now, window uint32) []*keyFile {
	bySlot := map[uint32][]*keyFile{}
	for _, f := range files {
		s := slotOf(f, window)
		bySlot[s] = append(bySlot[s], f)
	}
	current := now / max(1, window/slots)
	for s, list := range bySlot {
		if s < current && len(list) > 1 {
			return list
		}
		if len(list) < maxInSlot {
			continue
		}
		slices.SortFunc(list, func(a, b *keyFile) int { return cmp.Compare(a.head.entries, b.head.entries) })
		n, total := 1, list[0].head.entries
		for n < len(list) && (n < 4 || list[n].head.entries <= 2*total) {
			total += list[n].head.entries
			n++
		}
		return list[:n]
	}
	return nil
}

// merge writes one file of the entries of several, without those that arrived
// before expired. It returns no path where nothing is left. Mapped memory is
// read: see guarded.
func merge(fs buffer.FS, files []*keyFile, expired uint32, window uint32) (path string, err error) {
	cursors := make([]*cursor, len(files))
	for i, f := range files {
		cursors[i] = &cursor{file: f}
	}
	return mergeCursors(fs, cursors, expired, window)
}

func mergeCursors(fs buffer.FS, cursors []*cursor, expired uint32, window uint32) (path string, err error) {
	var n uint64
	for _, c := range cursors {
		n += c.file.head.entries
	}
	first := cursors[0].file
	w, err := newFileWriter(fs, filepath.Dir(first.path), first.head.kind, n, window)
	if err != nil {
		return "", err
	}
	if err = mergeInto(w, cursors, expired); err != nil || w.head.entries == 0 {
		w.abandon()
		return "", err
	}
	return w.finish()
}

func mergeInto(w *fileWriter, cursors []*cursor, expired uint32) error {
	type head struct {
		entry
		from *cursor
	}
	var heads []head
	for _, c := range cursors {
		e, ok, err := c.next()
		if err != nil {
			return err
		}
		if ok {
			heads = append(heads, head{e, c})
		}
	}
	for len(heads) > 0 {
		least := heads[0].entry
		for _, h := range heads[1:] {
			switch c := compareKeys(h.key, least.key); {
			case c < 0:
				least = h.entry
			case c == 0: // it came again when its window was over
				least.arrival = max(least.arrival, h.arrival)
			}
		}
		if least.arrival >= expired {
			if err := w.add(least); err != nil {
				return err
			}
		}
		left := heads[:0]
		for _, h := range heads {
			if h.key == least.key {
				e, ok, err := h.from.next()
				if err != nil {
					return err
				}
				if !ok {
					continue
				}
				h.entry = e
			}
			left = append(left, h)
		}
		heads = left
	}
	return nil
}
