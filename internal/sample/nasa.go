package sample

import (
	"strconv"
	"sync"
)

const (
	hostCount = 75_000
	pageCount = 3_000
)

// A webPage is what a request for it always says.
type webPage struct {
	json  string // from the request's quote to "code":
	bytes int64
	gone  bool
}

// A webServer is what all nasa generators share.
type webServer struct {
	hosts   []string // with what is in front of them in an event
	popular weights  // of pages
	busy    weights  // of hosts
	pages   []webPage
}

var openWebServer = sync.OnceValue(func() *webServer {
	s := &webServer{popular: newWeights(zipf(pageCount, 6)), busy: newWeights(zipf(hostCount, 20))}
	for i := range uint64(hostCount) {
		s.hosts = append(s.hosts, `{"host":"`+hostName(i)+`","timestamp":`)
	}
	for i := range uint64(pageCount) {
		s.pages = append(s.pages, newWebPage(i))
	}
	return s
})

// hostName names the i-th host, each another: an address, a line of a dial-in
// provider, or a machine somewhere.
func hostName(i uint64) string {
	h := mix(saltHost, i)
	domain := domains[within(h, uint64(len(domains)))]
	n := strconv.FormatUint(i, 10)
	switch h & 7 {
	case 0, 1:
		// 9973 has no factor in common with 2^24: every i has its own address.
		a := i * 9973 % (1 << 24)
		return strconv.FormatUint(128+h>>8&63, 10) + "." + strconv.FormatUint(a>>16, 10) + "." +
			strconv.FormatUint(a>>8&255, 10) + "." + strconv.FormatUint(a&255, 10)
	case 2, 3, 4:
		return "ppp" + n + "." + domain
	default:
		return machines[within(mix(saltHost+1, i), uint64(len(machines)))] + n + "." + domain
	}
}

func newWebPage(i uint64) webPage {
	h := mix(saltHost+2, i)
	n := strconv.FormatUint(i, 10)
	var path string
	size := 500 + within(mix(saltHost+3, i), 8_000)
	switch {
	case i < uint64(len(frontPages)):
		path = frontPages[i]
	case h&7 < 3:
		path = "/images/" + missions[within(h, uint64(len(missions)))] + "-patch-" + n + ".gif"
		size *= 4
	case h&7 < 6:
		path = "/shuttle/missions/" + missions[within(h, uint64(len(missions)))] + "/mission-" + n + ".html"
	case h&7 == 6:
		path = "/history/apollo/apollo-" + strconv.FormatUint(7+h>>8%11, 10) + "/images/" + n + ".jpg"
		size *= 16
	default:
		path = "/cgi-bin/imagemap/countdown" + n + "?" + strconv.FormatUint(h>>8%400, 10) + "," + strconv.FormatUint(h>>20%300, 10)
	}
	return webPage{
		json:  `,"request":"GET ` + path + ` HTTP/1.0","code":`,
		bytes: int64(size),
		gone:  i >= uint64(len(frontPages)) && h>>40&63 == 0,
	}
}

var codes = []string{"200", "304", "302", "404", "500"}

// nasa are the requests to the web server.
type nasa struct {
	*webServer
	seen  set // hosts
	codes [5]int64
	sum   int64 // of bytes
}

func newNASA() shape { return &nasa{webServer: openWebServer(), seen: newSet(hostCount)} }

func (w *nasa) append(dst []byte, r *rng, millis int64) []byte {
	host := w.busy.of(r.uint64())
	page := &w.pages[w.popular.of(r.uint64())]
	code, size := 0, page.bytes
	switch n := r.below(1000); {
	case page.gone:
		code, size = 3, 0
	case n < 85:
		code, size = 1, 0
	case n < 110:
		code, size = 2, 60+int64(n)
	case n == 999:
		code, size = 4, 0
	}
	w.seen.add(uint64(host))
	w.codes[code]++
	w.sum += size

	dst = append(dst, w.hosts[host]...)
	dst = appendInt(dst, millis/1000)
	dst = append(dst, page.json...)
	dst = append(dst, codes[code]...)
	dst = append(dst, `,"bytes":`...)
	dst = appendInt(dst, size)
	return append(dst, "}\n"...)
}

func (w *nasa) truth(t *Truth) {
	t.group("code", codes, w.codes[:])
	t.Distinct["host"] = w.seen.size()
	t.Sums["bytes"] = w.sum
}

var domains = []string{
	"aol.example", "prodigy.example", "compuserve.example", "netcom.example", "pipeline.example", "dialup.example.net",
	"cs.state.example.edu", "physics.tech.example.edu", "lib.college.example.edu", "research.example.com",
	"eng.example.com", "sales.example.co.uk", "uni.example.de", "inst.example.fr", "campus.example.ca", "gov.example.us",
}

var machines = []string{"gateway", "proxy", "www-b", "mac", "pc", "alpha", "piweba", "sun", "vax", "slip"}

var missions = []string{"sts-68", "sts-69", "sts-70", "sts-71", "sts-72", "sts-73", "51-l", "apollo-11", "apollo-13"}

var frontPages = []string{
	"/images/NASA-logosmall.gif", "/images/KSC-logosmall.gif", "/images/MOSAIC-logosmall.gif", "/images/USA-logosmall.gif",
	"/images/WORLD-logosmall.gif", "/images/ksclogo-medium.gif", "/ksc.html", "/history/apollo/images/apollo-logo1.gif",
	"/images/launch-logo.gif", "/", "/shuttle/countdown/", "/shuttle/missions/missions.html", "/history/history.html",
	"/shuttle/missions/sts-69/mission-sts-69.html", "/facilities/lc39a.html", "/cgi-bin/imagemap/countdown?99,176",
}
