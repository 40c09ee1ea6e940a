package card

import (
	"bytes"
	"encoding/json"
	"fmt"
	"image"
	"image/png"

	"github.com/svcdown/svcdown/redact"
)

// File is what is too long for a message, or is no text: either Content or Image is set.
type File struct {
	Name    string      `json:"name"`
	Title   redact.Text `json:"title"`
	Content redact.Text `json:"content"`
	Image   Image       `json:"image,omitzero"`
}

// Bytes are the file's content, and MIME its type.
func (f File) Bytes() []byte {
	if !f.Image.Empty() {
		return f.Image.png
	}
	return []byte(f.Content.String())
}

// MIME is the type of Bytes.
func (f File) MIME() string {
	if !f.Image.Empty() {
		return "image/png"
	}
	return "text/plain; charset=utf-8"
}

// Image is a picture as PNG. It can be made of pixels only: no bytes of a cluster, a log or a person come into a file past redact. The zero value
// is no picture. It is immutable and safe for concurrent use.
type Image struct{ png []byte }

// NewImage encodes a picture.
func NewImage(m image.Image) (Image, error) {
	var b bytes.Buffer
	if err := png.Encode(&b, m); err != nil {
		return Image{}, fmt.Errorf("encode a picture: %w", err)
	}
	return Image{b.Bytes()}, nil
}

// Empty reports whether there is no picture.
func (i Image) Empty() bool { return len(i.png) == 0 }

// MarshalJSON writes the PNG as base64.
func (i Image) MarshalJSON() ([]byte, error) { return json.Marshal(i.png) }

// mostPixels bounds a picture that comes from elsewhere.
const mostPixels = 4096 * 4096

// UnmarshalJSON reads a picture and encodes its pixels anew: what else the bytes held is gone.
func (i *Image) UnmarshalJSON(b []byte) error {
	var raw []byte
	if err := json.Unmarshal(b, &raw); err != nil {
		return fmt.Errorf("read a picture: %w", err)
	}
	if len(raw) == 0 {
		*i = Image{}
		return nil
	}
	c, err := png.DecodeConfig(bytes.NewReader(raw))
	if err != nil {
		return fmt.Errorf("read a picture: %w", err)
	}
	if c.Width <= 0 || c.Height <= 0 || c.Width*c.Height > mostPixels {
		return fmt.Errorf("read a picture: %d by %d pixels are too many", c.Width, c.Height)
	}
	m, err := png.Decode(bytes.NewReader(raw))
	if err != nil {
		return fmt.Errorf("read a picture: %w", err)
	}
	*i, err = NewImage(m)
	return err
}
