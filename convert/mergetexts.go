package convert

// takeRefs appends texts that are references into the dictionary of a source. known is
// of each text there 1 + its entry here, 0 while that is not known, so that each is
// looked up once. It returns by how many bytes the column grew.
func (t *texts) takeRefs(dict spans, refs []int32, known []uint32) (grew int) {
	t.begin()
	if !t.plain {
		t.refs = room(t.refs, len(refs))
	}
	for len(refs) > 0 && !t.plain {
		r := refs[0]
		refs = refs[1:]
		if entry := known[r]; entry != 0 {
			t.refs = append(t.refs, entry-1)
			grew += 4
			continue
		}
		v := dict.at(int(r))
		var id identity
		hash := identify(v, &id)
		grew += t.lookUp(v, &id, hash)
		if !t.plain {
			known[r] = t.refs[len(t.refs)-1] + 1
		}
	}
	for _, r := range refs {
		v := dict.at(int(r))
		t.entries.push(v)
		grew += len(v) + 4
	}
	return grew
}

// takeSpans appends texts as they are.
func (t *texts) takeSpans(in spans) (grew int) {
	t.begin()
	n, i := in.len(), 0
	for ; i < n && !t.plain; i++ {
		v := in.at(i)
		var id identity
		hash := identify(v, &id)
		grew += t.lookUp(v, &id, hash)
	}
	if i == n {
		return grew
	}
	first, last := in.offsets[i], in.offsets[n]
	at := uint32(len(t.entries.bytes)) - first
	t.entries.bytes = append(room(t.entries.bytes, int(last-first)), in.bytes[first:last]...)
	t.entries.ends = room(t.entries.ends, n-i)
	for _, end := range in.offsets[i+1 : n+1] {
		t.entries.ends = append(t.entries.ends, at+end)
	}
	return grew + int(last-first) + 4*(n-i)
}

// setLevels adds the slots from one on whose level is at least so much, and returns
// how many that are.
func (b *bitmap) setLevels(slot int, levels []uint8, least uint8) (n int) {
	for i := 0; i < len(levels); {
		if levels[i] < least {
			i++
			continue
		}
		end := i + 1
		for end < len(levels) && levels[end] >= least {
			end++
		}
		b.setRun(slot+i, end-i)
		n += end - i
		i = end
	}
	return n
}
