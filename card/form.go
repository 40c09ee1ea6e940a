package card

import "github.com/svcdown/svcdown/redact"

// Form asks one person for values. What they fill in comes back as the command Verb Value with the values beside it.
type Form struct {
	Title  redact.Text
	Text   redact.Text
	Fields []Field // none while it is still being found out what to ask for
	Verb   string
	Value  string
	// Where is what the answer belongs to.
	Where Address
}

// Field is one value to fill in.
type Field struct {
	// Name comes back as the value's name; Type says what it must look like, in the words of whoever asked.
	Name  string
	Type  string
	Whole bool
	Label redact.Text
	Hint  redact.Text
}
