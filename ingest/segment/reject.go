package segment

import (
	"strconv"

	"sluice/ingest"
)

// maxListed is how many rejections an answer names.
const maxListed = 100

// rejections are the calls of a request that are not taken.
type rejections struct {
	total   int64
	reasons [ingest.Reasons]int64
	first   string
	list    []byte // as the JSON of the answer
}

func (l *rejections) add(index int, reason ingest.Reason, message string) {
	if l.total == 0 {
		l.first = message
	}
	if l.total < maxListed {
		if l.total > 0 {
			l.list = append(l.list, ',')
		}
		l.list = append(l.list, `{"index":`...)
		l.list = strconv.AppendInt(l.list, int64(index), 10)
		l.list = append(l.list, `,"error":`...)
		l.list = ingest.AppendString(l.list, message)
		l.list = append(l.list, '}')
	}
	l.total++
	l.reasons[reason]++
}

// appendMember appends ,"rejected":[…], a member of an answer, if there are any.
func (l *rejections) appendMember(dst []byte) []byte {
	if l == nil || l.total == 0 {
		return dst
	}
	dst = append(dst, `,"rejected":[`...)
	dst = append(dst, l.list...)
	dst = append(dst, ']')
	if l.total > maxListed {
		dst = append(dst, `,"rejected_total":`...)
		dst = strconv.AppendInt(dst, l.total, 10)
	}
	return dst
}
