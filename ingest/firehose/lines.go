package firehose

import (
	"bytes"
	"context"
	stdbase64 "encoding/base64"

	"sluice/ingest"
	"sluice/internal/jsonscan"
	"sluice/internal/lake"

	"github.com/segmentio/asm/base64"
)

// A block is a run of lines to be appended together.
type block struct {
	buf     *ingest.Buffer
	size    int
	records int // lines
	entry   int // of the request: the first that has a line here
}

// lines gathers the lines of a request's entries in blocks, of which each entry is
// in one.
type lines struct {
	ctx     context.Context
	mem     *ingest.Memory
	blocks  []block
	entries int   // seen
	bytes   int64 // of the entries, decoded
	// full takes the blocks that take no more lines; nil keeps them.
	full func(*block) error

	scratch *ingest.Buffer
}

func (l *lines) free() {
	for i := range l.blocks {
		l.blocks[i].buf.Free()
	}
	l.blocks = nil
	if l.scratch != nil {
		l.scratch.Free()
		l.scratch = nil
	}
}

// lineSpace bounds what the lines of an entry of n bytes take: the smallest objects,
// two bytes each, get a newline each, and what is no record takes less.
func lineSpace(n int) int { return n + n/2 + 4 }

// decodeSpace is how many bytes may be written while n characters of base64 are
// decoded.
func decodeSpace(n int) int { return n/4*3 + 3 }

// firstBlock is what a block has at least.
const firstBlock = 4 << 10

// room makes n bytes free in the last block, or begins another one.
func (l *lines) room(n int) (*block, error) {
	var b *block
	if k := len(l.blocks); k > 0 {
		b = &l.blocks[k-1]
	}
	if b != nil && b.size > 0 && b.size+n > max(len(b.buf.B), ingest.MaxBuffer) {
		if l.full == nil {
			b = nil
		} else if err := l.full(b); err != nil {
			return nil, err
		} else {
			b.size, b.records = 0, 0
		}
	}
	if b == nil {
		l.blocks = append(l.blocks, block{entry: l.entries})
		b = &l.blocks[len(l.blocks)-1]
	}
	if b.buf == nil || b.size+n > len(b.buf.B) {
		// Sizes are four times one another: what is copied in all stays small.
		larger, p := l.mem.Get(l.ctx, max(b.size+n, firstBlock))
		if p != nil {
			return nil, p
		}
		if b.buf != nil {
			copy(larger.B, b.buf.B[:b.size])
			b.buf.Free()
		}
		b.buf = larger
	}
	return b, nil
}

// add takes an entry: quoted is the string of JSON with its base64, and is written
// over. scan is used meanwhile.
func (l *lines) add(quoted []byte, scan *jsonscan.Scanner) error {
	encoded := quoted[1 : len(quoted)-1]
	plain := false // without escapes, as far as that is known
	if decodeSpace(len(encoded)) > maxDecode {
		encoded, plain = unescape(quoted)
	}
	n := decodeSpace(len(encoded))
	if n > maxDecode {
		return l.tooLarge()
	}
	b, err := l.room(lineSpace(n))
	if err != nil {
		return err
	}
	raw, ok := decode(b.buf.B[b.size:], encoded)
	if !ok && !plain {
		if encoded, plain = unescape(quoted); plain {
			raw, ok = decode(b.buf.B[b.size:], encoded)
		}
	}
	if !ok {
		return l.invalidData()
	}
	if len(raw) > ingest.MaxRecord {
		return l.tooLarge()
	}
	l.bytes += int64(len(raw))
	l.entries++
	if len(raw) == 0 {
		return nil // an empty entry is taken, and there is nothing to keep
	}
	if raw[0] == '{' {
		n, err := scan.Object(raw)
		if err == nil && jsonscan.SkipSpace(raw, n) == len(raw) && bytes.IndexByte(raw[:n], '\n') < 0 {
			b.end(n)
			return nil
		}
	}
	return l.irregular(b, raw)
}

// maxDecode is the decodeSpace of the largest entry.
const maxDecode = (ingest.MaxRecord+2)/3*3 + 3

// unescape is what is between the quotes, without escapes, which some put before
// slashes. It is made where quoted is; escaped is false, and nothing has changed, if
// there are none or the string is no valid one.
func unescape(quoted []byte) (text []byte, escaped bool) {
	text = quoted[1 : len(quoted)-1]
	if bytes.IndexByte(text, '\\') < 0 {
		return text, false
	}
	if _, _, err := jsonscan.String(quoted, 0); err != nil {
		return text, false
	}
	return jsonscan.AppendUnquoted(quoted[:0], quoted), true
}

// end makes a line of the n bytes behind the block's.
func (b *block) end(n int) {
	b.size += n
	b.buf.B[b.size] = '\n'
	b.size++
	b.records++
}

// irregular makes lines of an entry that is not just one object on one line. raw
// lies where the lines go.
func (l *lines) irregular(b *block, raw []byte) error {
	if l.scratch == nil || len(l.scratch.B) < len(raw) {
		if l.scratch != nil {
			l.scratch.Free()
			l.scratch = nil
		}
		var p *ingest.Problem
		if l.scratch, p = l.mem.Get(l.ctx, len(raw)); p != nil {
			return p
		}
	}
	data := l.scratch.B[:copy(l.scratch.B, raw)]
	if b.twice(data) {
		return nil
	}
	b.split(data)
	return nil
}

// twice takes an entry whose text is itself base64 of nothing but objects: version 1
// of the AWS CLI encodes what its users have encoded already. No object's JSON
// begins as base64 does, and base64 of an object begins with this letter.
func (b *block) twice(data []byte) bool {
	if data[0] != 'e' {
		return false
	}
	data = bytes.TrimRight(data, " \t\r\n")
	raw, ok := decode(b.buf.B[b.size:], data)
	if !ok || !onlyObjects(raw) {
		return false
	}
	b.split(bytes.Clone(raw))
	return true
}

func onlyObjects(data []byte) bool {
	i := jsonscan.SkipSpace(data, 0)
	for i < len(data) {
		n, err := jsonscan.Object(data[i:])
		if err != nil {
			return false
		}
		i = jsonscan.SkipSpace(data, i+n)
	}
	return len(data) > 0
}

// split makes a line of each object. From the first byte on that begins none, the
// rest is kept as what it is.
func (b *block) split(data []byte) {
	for {
		data = data[jsonscan.SkipSpace(data, 0):]
		if len(data) == 0 {
			return
		}
		out := b.buf.B[b.size:b.size]
		n, err := jsonscan.Object(data)
		switch {
		case err != nil:
			n = len(data)
			out = lake.AppendMalformed(out, data)
		case bytes.IndexByte(data[:n], '\n') >= 0:
			out = jsonscan.AppendCompact(out, data[:n])
		default:
			out = append(out, data[:n]...)
		}
		b.end(len(out))
		data = data[n:]
	}
}

// decode decodes base64 into dst, with or without the padding at its end.
func decode(dst, src []byte) (raw []byte, ok bool) {
	if len(src)%4 == 0 && bytes.HasSuffix(src, []byte{'='}) {
		src = bytes.TrimSuffix(src[:len(src)-1], []byte{'='})
	}
	n, err := base64Encoding.Decode(dst[:decodeSpace(len(src))], src)
	if err != nil || n != len(src)*6/8 { // the library passes over line breaks
		return nil, false
	}
	return dst[:n], true
}

var base64Encoding = base64.StdEncoding.WithPadding(stdbase64.NoPadding)

func (l *lines) tooLarge() error {
	return invalid("Value at 'records.%d.member.data' failed to satisfy constraint: Member must have length less than or equal to %d", l.entries+1, ingest.MaxRecord)
}

func (l *lines) invalidData() error {
	return malformed("the data of record %d is not base64", l.entries+1)
}
