package card

import "time"

// Posted is a card as it stands somewhere.
type Posted struct {
	At   Address
	Card Card
	// When is the moment of which the card tells.
	When time.Time
}
