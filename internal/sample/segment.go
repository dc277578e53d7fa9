package sample

import "sync"

const (
	visitorCount = 200_000
	productCount = 2_000
)

// callTypes with their odds.
var callTypes = []string{"track", "page", "identify", "screen", "group", "alias"}

var callOdds = []uint64{56, 24, 9, 6, 3, 2}

const (
	callTrack = iota
	callPage
	callIdentify
	callScreen
	callGroup
	callAlias
)

// trackEvents with their odds.
var trackEvents = []string{
	"Product Viewed", "Product List Viewed", "Product Added", "Products Searched",
	"Checkout Started", "Order Completed", "Signed Up",
}

var trackOdds = []uint64{46, 10, 15, 13, 7, 6, 3}

const (
	eventViewed = iota
	eventListViewed
	eventAdded
	eventSearched
	eventCheckout
	eventCompleted
	eventSignedUp
)

// A store is what all segment generators share.
type store struct {
	products []product
	popular  weights // of products
	calls    weights
	events   weights
}

// A product is something for sale.
type product struct {
	cents int64
	json  string // its members, but for the price
}

var openStore = sync.OnceValue(func() *store {
	s := &store{popular: newWeights(zipf(productCount, 5)), calls: newWeights(callOdds), events: newWeights(trackOdds)}
	for i := range uint64(productCount) {
		s.products = append(s.products, newProduct(i))
	}
	return s
})

func newProduct(i uint64) product {
	h := mix(saltProduct, i)
	pick := func(list []string, salt uint64) string {
		return list[within(mix(saltProduct+salt, i), uint64(len(list)))]
	}
	j := append([]byte(nil), `"category":`...)
	j = appendJSON(j, pick(genres, 1))
	j = append(j, `,"name":`...)
	j = appendJSON(j, "The "+pick(adjectives, 2)+" "+pick(nouns, 3))
	j = append(j, `,"product_id":"`...)
	j = appendHex(j, mix(saltProduct+4, i), 6)
	j = append(j, '"')
	return product{cents: 499 + int64(within(h, 40))*100 + int64(h&1)*50, json: string(j)}
}

// A visitor is one browser or phone, and perhaps the user known there.
type visitor struct {
	number uint64
	hash   uint64
	phone  bool
	known  bool // has a userId
}

func newVisitor(number uint64) visitor {
	h := mix(saltVisitor, number)
	return visitor{number: number, hash: h, phone: h&7 < 2, known: h>>3&7 < 4}
}

func (v visitor) appendAnonymousID(dst []byte) []byte {
	return appendUUID(dst, mix(saltVisitor+1, v.number), mix(saltVisitor+2, v.number))
}

func (v visitor) appendUserID(dst []byte) []byte {
	dst = append(dst, "user_"...)
	return appendHex(dst, mix(saltVisitor+3, v.number), 5)
}

// segment are the calls to the store's site and app.
type segment struct {
	*store
	seen    set
	types   [6]int64
	tracks  [7]int64
	revenue int64 // cents
}

func newSegment() shape { return &segment{store: openStore(), seen: newSet(visitorCount)} }

func (s *segment) append(dst []byte, r *rng, millis int64) []byte {
	v := newVisitor(r.skewed(visitorCount))
	call := s.callOf(r, v)
	s.seen.add(v.number)
	s.types[call]++

	dst = append(dst, `{"anonymousId":"`...)
	dst = v.appendAnonymousID(dst)
	dst = append(dst, `","context":`...)
	dst = appendContext(dst, r, v)
	dst = s.appendBody(dst, r, v, call, millis)
	if r.chance(20) {
		dst = append(dst, `,"integrations":{"All":true,"Salesforce":false}`...)
	} else {
		dst = append(dst, `,"integrations":{}`...)
	}
	dst = append(dst, `,"messageId":"ajs-`...)
	dst = appendHex(dst, r.uint64(), 8)
	dst = append(dst, '"')
	dst = appendTimes(dst, r, millis)
	dst = append(dst, `,"type":"`...)
	dst = append(dst, callTypes[call]...)
	if v.known || call == callIdentify || call == callAlias {
		dst = append(dst, `","userId":"`...)
		dst = v.appendUserID(dst)
		return append(dst, "\"}\n"...)
	}
	return append(dst, "\",\"userId\":null}\n"...)
}

// callOf draws a call; a phone shows screens where a browser shows pages.
func (s *segment) callOf(r *rng, v visitor) int {
	switch call := int(s.calls.of(r.uint64())); {
	case call == callPage && v.phone:
		return callScreen
	case call == callScreen && !v.phone:
		return callPage
	default:
		return call
	}
}

// appendTimes appends the four times of a call. The device's clock is off by up
// to two minutes, which timestamp corrects, as Segment does:
// timestamp = receivedAt − (sentAt − originalTimestamp).
func appendTimes(dst []byte, r *rng, millis int64) []byte {
	u := r.uint64()
	original := millis + int64(u>>40%240_000) - 120_000
	waited := int64(u & 0xfff) // before it was sent
	travelled := int64(20 + u>>12&0xff)
	dst = append(dst, `,"originalTimestamp":"`...)
	dst = appendTime(dst, original)
	dst = append(dst, `","receivedAt":"`...)
	dst = appendTime(dst, millis+waited+travelled)
	dst = append(dst, `","sentAt":"`...)
	dst = appendTime(dst, original+waited)
	dst = append(dst, `","timestamp":"`...)
	dst = appendTime(dst, millis+travelled)
	return append(dst, '"')
}

func (s *segment) truth(t *Truth) {
	t.group("type", callTypes, s.types[:])
	t.group("event", trackEvents, s.tracks[:])
	t.Distinct["anonymousId"] = s.seen.size()
	t.Sums["properties.revenue"] = s.revenue
}
