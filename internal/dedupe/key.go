package dedupe

import (
	"bytes"
	"crypto/sha256"
	"encoding/binary"
	"hash"

	"sluice/internal/jsonscan"
	"sluice/internal/lake"
)

// keyLen is the length of a Key.
const keyLen = 16

// A Key stands for what tells a record from others: the first 128 bits of a
// SHA-256. Two texts with the same Key are not known to exist and cannot be made
// by a client; among the 50 million keys of a full stream the chance of one such
// pair is 4 in 10^24. That is what "exact" rests on.
type Key [keyLen]byte

// hi orders keys as their bytes do, as far as 64 bits go.
func (k *Key) hi() uint64 { return binary.BigEndian.Uint64(k[:8]) }

func compareKeys(a, b Key) int { return bytes.Compare(a[:], b[:]) }

// The tags of what is hashed: a record's field, by type, or its place in a request.
const (
	tagString  = 's'
	tagNumber  = 'n'
	tagBool    = 'b'
	tagRequest = 'r'
	saltLen    = 8
)

// A fieldKey makes keys of a field's values.
type fieldKey struct {
	path [][]byte
	salt [saltLen]byte // of the path: the same text in another field is another key
}

func newFieldKey(path []string) *fieldKey {
	f := &fieldKey{}
	h := sha256.New()
	for _, segment := range path {
		f.path = append(f.path, []byte(segment))
		var n [4]byte
		binary.LittleEndian.PutUint32(n[:], uint32(len(segment)))
		h.Write(n[:])
		h.Write([]byte(segment))
	}
	copy(f.salt[:], h.Sum(nil))
	return f
}

// of is the key of a record; ok is false for one that has none: it is no valid
// object, or the field is missing, null, an object, an array or an empty string.
// scratch is memory to use, and is returned for the next call.
func (f *fieldKey) of(record, scratch []byte) (k Key, ok bool, _ []byte) {
	if lake.IsMalformed(record) {
		return k, false, scratch
	}
	value, scratch := find(record, f.path, scratch)
	if len(value) == 0 {
		return k, false, scratch
	}
	text := append(scratch[:0], f.salt[:]...)
	switch c := value[0]; c {
	case '"':
		if len(value) == len(`""`) {
			return k, false, scratch
		}
		text = jsonscan.AppendUnquoted(append(text, tagString), value)
	case 't', 'f':
		text = append(append(text, tagBool), value...)
	case 'n', '{', '[':
		return k, false, text
	default:
		text = append(append(text, tagNumber), value...)
	}
	sum := sha256.Sum256(text)
	return Key(sum[:keyLen]), true, text
}

// A requestKey makes keys of the records of one block, of their places in the
// request and of what they say. What they say is part of it so that a key which a
// client uses for two different requests by mistake drops nothing.
type requestKey struct {
	hash    hash.Hash
	key     [sha256.Size]byte // of the request's key
	indexes lake.Indexes
	head    [1 + sha256.Size + 8]byte
	sum     [sha256.Size]byte
}

func newRequestKey() *requestKey { return &requestKey{hash: sha256.New()} }

func (r *requestKey) begin(attr lake.RequestAttr) {
	r.key = sha256.Sum256(attr.Key)
	r.indexes = attr.Indexes()
}

// next is the key of the block's next record, and its index.
func (r *requestKey) next(record []byte) (Key, uint64) {
	index := r.indexes.Next()
	r.head[0] = tagRequest
	copy(r.head[1:], r.key[:])
	binary.LittleEndian.PutUint64(r.head[1+sha256.Size:], index)
	r.hash.Reset()
	r.hash.Write(r.head[:])
	r.hash.Write(record)
	return Key(r.hash.Sum(r.sum[:0])[:keyLen]), index
}
