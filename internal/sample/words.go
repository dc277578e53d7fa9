package sample

var genres = []string{
	"Fiction", "Mystery", "Science Fiction", "Fantasy", "Romance", "Thriller",
	"History", "Biography", "Children", "Travel", "Poetry", "Cooking",
}

var adjectives = []string{
	"Silent", "Hidden", "Burning", "Distant", "Broken", "Golden", "Forgotten", "Crimson", "Endless", "Gentle",
	"Hollow", "Invisible", "Restless", "Northern", "Patient", "Quiet", "Secret", "Stolen", "Wandering", "Winter",
	"Ancient", "Bitter", "Clever", "Drowned", "Electric", "Faithful", "Glass", "Homeward", "Idle", "Second-Hand",
}

var nouns = []string{
	"Harbor", "Garden", "River", "Lighthouse", "Orchard", "Letter", "Daughter", "Clockmaker", "Library", "Mountain",
	"Song", "Shadow", "Kingdom", "Bridge", "Promise", "Map", "Stranger", "Voyage", "Island", "Mirror",
	"Painter", "Winter", "Fire", "Café", "Sparrow", "Lantern", "Storm", "House", "Road", "Memory",
	"Thief", "Ocean", "Forest", "Teacher", "Train", "Night", "Star", "Window", "King’s Gambit", "Violin",
}

var places = []string{
	"Lisbon", "the North", "Kyoto", "Winter", "Prague", "Buenos Aires", "the Moors", "Salt and Stone", "Zürich", "Havana",
	"Ashes", "Istanbul", "the Valley", "Glass", "Marrakesh", "Dublin", "the Deep", "São Paulo", "Tomorrow", "Venice",
}

var firstNames = []string{
	"Ada", "Amara", "Björn", "Carlos", "Chen", "Clara", "Daniel", "Elena", "Émile", "Fatima",
	"George", "Hannah", "Ibrahim", "Ingrid", "James", "Julia", "Kenji", "Laura", "Leila", "Luca",
	"Margaret", "Mateo", "Nadia", "Noah", "Olivia", "Paul", "Priya", "Rosa", "Samuel", "Sofia",
	"Thomas", "Ursula", "Viktor", "Yara", "Zoë",
}

var lastNames = []string{
	"Adler", "Almeida", "Andersson", "Brontë", "Calloway", "Castillo", "Chandra", "Dubois", "Eriksen", "Fischer",
	"García", "Haddad", "Harper", "Ivanova", "Jensen", "Kowalski", "Lindqvist", "Marlowe", "Moreau", "Müller",
	"Nakamura", "O'Brien", "Okafor", "Oyelaran", "Petrov", "Quinn", "Rossi", "Sato", "Silva", "Sinclair",
	"Tanaka", "Thornton", "Vance", "Wang", "Whitfield", "Zimmermann",
}

// countries with the odds of a user being there.
var countries = []struct {
	code string
	odds uint64
}{
	{"US", 300}, {"GB", 90}, {"DE", 80}, {"IN", 75}, {"FR", 60}, {"CA", 55}, {"BR", 50}, {"AU", 40}, {"JP", 38}, {"ES", 35},
	{"IT", 34}, {"NL", 28}, {"MX", 27}, {"SE", 20}, {"PL", 20}, {"CH", 18}, {"BE", 16}, {"AT", 14}, {"IE", 13}, {"DK", 12},
	{"NO", 12}, {"FI", 11}, {"PT", 11}, {"NZ", 10}, {"KR", 10}, {"SG", 9}, {"ZA", 9}, {"AR", 9}, {"CZ", 8}, {"TR", 8},
	{"GR", 7}, {"IL", 7}, {"PH", 7}, {"ID", 7}, {"MY", 6}, {"HU", 6}, {"RO", 6}, {"CL", 6}, {"CO", 6}, {"TW", 5},
	{"HK", 5}, {"AE", 5}, {"UA", 5}, {"TH", 4}, {"VN", 4}, {"NG", 4}, {"EG", 4}, {"KE", 3}, {"PE", 3}, {"SK", 3},
	{"BG", 3}, {"HR", 3}, {"LT", 2}, {"SI", 2}, {"LV", 2}, {"EE", 2}, {"LU", 2}, {"IS", 1}, {"MT", 1}, {"UY", 1},
}
