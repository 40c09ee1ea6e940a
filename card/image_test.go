package card_test

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"image"
	"image/color"
	"image/png"
	"strings"
	"testing"

	"github.com/svcdown/svcdown/card"
	"github.com/svcdown/svcdown/redact"
)

func TestAPictureTravelsAsPixelsAlone(t *testing.T) {
	t.Parallel()
	m := image.NewRGBA(image.Rect(0, 0, 3, 2))
	m.Set(1, 1, color.RGBA{R: 200, A: 255})
	i, err := card.NewImage(m)
	if err != nil {
		t.Fatal(err)
	}
	// A stranger's PNG may carry text beside its pixels: here behind its end.
	smuggled := append(card.File{Image: i}.Bytes(), []byte("password=hunter2-canary")...)
	line := `{"name":"p.png","title":"t","content":"","image":"` + base64.StdEncoding.EncodeToString(smuggled) + `"}`
	var f card.File
	if err := json.Unmarshal([]byte(line), &f); err != nil {
		t.Fatal(err)
	}
	if bytes.Contains(f.Bytes(), []byte("hunter2")) {
		t.Error("what was behind the pixels is still there")
	}
	back, err := png.Decode(bytes.NewReader(f.Bytes()))
	if err != nil || !same(back.At(1, 1), m.At(1, 1)) || back.Bounds() != m.Bounds() {
		t.Errorf("got %v, %v", back, err)
	}
	if f.MIME() != "image/png" {
		t.Errorf("got %s", f.MIME())
	}
}

func same(a, b color.Color) bool {
	r1, g1, b1, a1 := a.RGBA()
	r2, g2, b2, a2 := b.RGBA()
	return r1 == r2 && g1 == g2 && b1 == b2 && a1 == a2
}

func TestWhatIsNoPictureIsRefused(t *testing.T) {
	t.Parallel()
	for name, raw := range map[string]string{
		"text":           base64.StdEncoding.EncodeToString([]byte("password=hunter2")),
		"half a picture": base64.StdEncoding.EncodeToString([]byte("\x89PNG\r\n\x1a\n\x00\x00\x00\rIHDR\x00\x00\x00\x01\x00\x00\x00\x01\x08\x06")),
		"a giant":        base64.StdEncoding.EncodeToString([]byte("\x89PNG\r\n\x1a\n\x00\x00\x00\rIHDR\x00\x10\x00\x00\x00\x10\x00\x00\x08\x06\x00\x00\x00\x00\x00\x00\x00")),
	} {
		var f card.File
		if err := json.Unmarshal([]byte(`{"image":"`+raw+`"}`), &f); err == nil {
			t.Errorf("%s: taken", name)
		}
	}
}

func TestATextFileKeepsItsType(t *testing.T) {
	t.Parallel()
	f := card.File{Name: "a.log", Content: redact.Const("line")}
	raw, err := json.Marshal(f)
	if err != nil || strings.Contains(string(raw), "image") || string(f.Bytes()) != "line" || !strings.HasPrefix(f.MIME(), "text/plain") {
		t.Errorf("got %s %q %s, %v", raw, f.Bytes(), f.MIME(), err)
	}
}
