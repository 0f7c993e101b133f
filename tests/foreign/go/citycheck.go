// Citycheck checks a city's record with the code of the Go module database (golang.org/x/mod/sumdb) and Go's standard
// library; nothing in it is Glassplate's. See docs/verify.md.
//
//	citycheck fetch  URL PUBLIC                     a copy of the public folder, into a new folder
//	citycheck audit  [-since CHECKPOINT] [-cosigner VKEY]... [-quorum N] -root SHA256:... -root ... -root ... PUBLIC
//	citycheck audit  ... -vkey VKEY PUBLIC          the log's key as given, instead of from the signed charter
//	citycheck proof  -vkey VKEY PROOF LEAF
//
// Exit status: 0 it holds, 1 it does not, 2 the command was mistyped.
package main

import (
	"bytes"
	"crypto/ed25519"
	"crypto/sha256"
	"encoding/base32"
	"encoding/base64"
	"encoding/binary"
	"encoding/hex"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"io"
	"io/ioutil"
	"net/http"
	"os"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"time"

	"golang.org/x/mod/sumdb/note"
	"golang.org/x/mod/sumdb/tlog"
)

const tileHeight = 8

type list []string

func (l *list) String() string     { return strings.Join(*l, " ") }
func (l *list) Set(v string) error { *l = append(*l, v); return nil }

// --- keys and notes ---

// cosigner verifies what a witness signed (C2SP tlog-cosignature, Ed25519), which package note does not know.
type cosigner struct {
	name string
	hash uint32
	key  ed25519.PublicKey
}

func (c *cosigner) Name() string    { return c.name }
func (c *cosigner) KeyHash() uint32 { return c.hash }
func (c *cosigner) Verify(msg, sig []byte) bool {
	if len(sig) != 8+ed25519.SignatureSize {
		return false
	}
	signed := fmt.Sprintf("cosignature/v1\ntime %d\n%s", binary.BigEndian.Uint64(sig[:8]), msg)
	return ed25519.Verify(c.key, []byte(signed), sig[8:])
}

func newCosigner(vkey string) (note.Verifier, error) {
	parts := strings.SplitN(vkey, "+", 3)
	if len(parts) != 3 {
		return nil, errors.New("a cosigner's key is malformed")
	}
	material, err := base64.StdEncoding.DecodeString(parts[2])
	if err != nil || len(material) != 33 || material[0] != 4 {
		return nil, errors.New("a cosigner's key is not Ed25519 of type 0x04")
	}
	sum := sha256.Sum256([]byte(parts[0] + "\n" + string(material)))
	hash := binary.BigEndian.Uint32(sum[:4])
	if fmt.Sprintf("%08x", hash) != parts[1] {
		return nil, errors.New("a cosigner's key has another id")
	}
	return &cosigner{parts[0], hash, material[1:]}, nil
}

// openCheckpoint demands the log's signature and a quorum of the cosigners'.
func openCheckpoint(data []byte, vkey string, cosigners []string, quorum int) (tlog.Tree, error) {
	log, err := note.NewVerifier(vkey)
	if err != nil {
		return tlog.Tree{}, err
	}
	verifiers := []note.Verifier{log}
	for _, text := range cosigners {
		known, err := newCosigner(text)
		if err != nil {
			return tlog.Tree{}, err
		}
		verifiers = append(verifiers, known)
	}
	opened, err := note.Open(data, note.VerifierList(verifiers...))
	if err != nil {
		return tlog.Tree{}, err
	}
	signed, cosigned := false, 0
	for _, sig := range opened.Sigs {
		if sig.Name == log.Name() && sig.Hash == log.KeyHash() {
			signed = true
		} else {
			cosigned++
		}
	}
	if !signed {
		return tlog.Tree{}, errors.New("the log itself did not sign it")
	}
	if cosigned < quorum {
		return tlog.Tree{}, fmt.Errorf("%d cosigners signed it, and %d must", cosigned, quorum)
	}
	return parseTree(opened.Text, log.Name())
}

// parseTree reads a checkpoint's three lines; tlog.ParseTree reads only sum.golang.org's own.
func parseTree(text, origin string) (tlog.Tree, error) {
	lines := strings.Split(text, "\n")
	if len(lines) < 4 || lines[0] != origin {
		return tlog.Tree{}, errors.New("it is no checkpoint of this log")
	}
	size, err := strconv.ParseInt(lines[1], 10, 64)
	if err != nil || size < 0 || lines[1] != strconv.FormatInt(size, 10) {
		return tlog.Tree{}, errors.New("its size is malformed")
	}
	root, err := tlog.ParseHash(lines[2])
	if err != nil {
		return tlog.Tree{}, err
	}
	return tlog.Tree{N: size, Hash: root}, nil
}

// --- the charter: who names the log's key ---

type document struct {
	Signatures []struct{ Keyid, Sig string }
	Signed     json.RawMessage
}

func readDocument(path string) (document, error) {
	var d document
	data, err := ioutil.ReadFile(path)
	if err != nil {
		return d, err
	}
	return d, json.Unmarshal(data, &d)
}

// logKey returns the log's key from the newest charter, once every given fingerprint's key is shown to have signed it.
// A charter is canonical JSON, so the bytes of "signed" as they lie there are the bytes that the offices signed.
func logKey(public string, roots []string) (string, error) {
	folders, err := filepath.Glob(filepath.Join(public, "charter", "*"))
	if err != nil || len(folders) == 0 {
		return "", errors.New("no charter is published")
	}
	newest, version := "", 0
	for _, folder := range folders {
		if n, err := strconv.Atoi(filepath.Base(folder)); err == nil && n > version {
			newest, version = folder, n
		}
	}
	root, err := readDocument(filepath.Join(newest, "root.json"))
	if err != nil {
		return "", err
	}
	var offices struct {
		Keys map[string]struct{ Keyval struct{ Public string } }
	}
	if err := json.Unmarshal(root.Signed, &offices); err != nil {
		return "", err
	}
	charter, err := readDocument(filepath.Join(newest, "charter.json"))
	if err != nil {
		return "", err
	}
	signers := map[string]bool{}
	for _, s := range charter.Signatures {
		key, err := hex.DecodeString(offices.Keys[s.Keyid].Keyval.Public)
		sig, err2 := hex.DecodeString(s.Sig)
		if err != nil || err2 != nil || len(key) != 32 || !ed25519.Verify(key, charter.Signed, sig) {
			return "", errors.New("charter.json: a signature does not hold")
		}
		signers[fingerprint(key)] = true
	}
	for _, wanted := range roots {
		if !signers[wanted] {
			return "", fmt.Errorf("charter.json is not signed by the key %s", wanted)
		}
	}
	var said struct {
		Charter struct {
			Version int
			LogVkey string `json:"log_vkey"`
		} `json:"x-glassplate-charter"`
	}
	if err := json.Unmarshal(charter.Signed, &said); err != nil {
		return "", err
	}
	if said.Charter.Version != version {
		return "", errors.New("charter.json is of another version than its folder")
	}
	return said.Charter.LogVkey, nil
}

func fingerprint(key []byte) string {
	sum := sha256.Sum256(key)
	digits := base32.StdEncoding.WithPadding(base32.NoPadding).EncodeToString(sum[:])
	var groups []string
	for i := 0; i < len(digits); i += 4 {
		groups = append(groups, digits[i:i+4])
	}
	return "SHA256:" + strings.Join(groups, "-")
}

// --- the tree ---

// number writes a tile's number: 1234067 is x001/x234/067.
func number(n int64) string {
	text := fmt.Sprintf("%03d", n%1000)
	for n >= 1000 {
		n /= 1000
		text = fmt.Sprintf("x%03d/%s", n%1000, text)
	}
	return text
}

// readTile reads a tile or bundle; a partial one may be gone once the full one is there.
func readTile(log, level string, n int64, width int) ([]byte, bool, error) {
	path := filepath.Join(log, "tile", level, number(n))
	if width < 1<<tileHeight {
		data, err := ioutil.ReadFile(fmt.Sprintf("%s.p/%d", path, width))
		if err == nil {
			return data, false, nil
		}
	}
	data, err := ioutil.ReadFile(path)
	return data, width < 1<<tileHeight, err
}

type storedHashes []tlog.Hash

func (s storedHashes) ReadHashes(indexes []int64) ([]tlog.Hash, error) {
	var found []tlog.Hash
	for _, i := range indexes {
		if i < 0 || i >= int64(len(s)) {
			return nil, errors.New("a proof asks for a hash beyond the tree")
		}
		found = append(found, s[i])
	}
	return found, nil
}

// readEntries hashes every entry of every bundle.
func readEntries(log string, size int64) (storedHashes, error) {
	var hashes storedHashes
	for n := int64(0); n*256 < size; n++ {
		width := 256
		if rest := size - n*256; rest < 256 {
			width = int(rest)
		}
		data, isFull, err := readTile(log, "entries", n, width)
		if err != nil {
			return nil, err
		}
		for i := 0; i < width; i++ {
			if len(data) < 2 || len(data) < 2+int(binary.BigEndian.Uint16(data)) {
				return nil, fmt.Errorf("entry bundle %d is damaged", n)
			}
			end := 2 + int(binary.BigEndian.Uint16(data))
			added, err := tlog.StoredHashes(n*256+int64(i), data[2:end], hashes)
			if err != nil {
				return nil, err
			}
			hashes, data = append(hashes, added...), data[end:]
		}
		if len(data) > 0 && !isFull {
			return nil, fmt.Errorf("entry bundle %d has trailing bytes", n)
		}
	}
	return hashes, nil
}

// tiles lists what a tree of this size has: every full tile, and the last partial one of each level.
func tiles(size int64) []tlog.Tile {
	var all []tlog.Tile
	for level := 0; size > 0; level, size = level+1, size>>tileHeight {
		for n := int64(0); n<<tileHeight < size; n++ {
			width := 1 << tileHeight
			if rest := size - n<<tileHeight; rest < int64(width) {
				width = int(rest)
			}
			all = append(all, tlog.Tile{H: tileHeight, L: level, N: n, W: width})
		}
	}
	return all
}

func audit(public, vkey string, roots, cosigners []string, quorum int, since string) error {
	if vkey == "" {
		var err error
		if vkey, err = logKey(public, roots); err != nil {
			return err
		}
	}
	log := filepath.Join(public, "log")
	data, err := ioutil.ReadFile(filepath.Join(log, "checkpoint"))
	if err != nil {
		return err
	}
	tree, err := openCheckpoint(data, vkey, cosigners, quorum)
	if err != nil {
		return fmt.Errorf("checkpoint: %w", err)
	}
	hashes, err := readEntries(log, tree.N)
	if err != nil {
		return err
	}
	root, err := tlog.TreeHash(tree.N, hashes)
	if err != nil || root != tree.Hash {
		return errors.New("the entries do not lead to the signed root")
	}
	for _, tile := range tiles(tree.N) {
		expected, err := tlog.ReadTileData(tile, hashes)
		if err != nil {
			return err
		}
		data, isFull, err := readTile(log, strconv.Itoa(tile.L), tile.N, tile.W)
		if err != nil {
			return err
		}
		if isFull && len(data) >= len(expected) {
			data = data[:len(expected)]
		}
		if !bytes.Equal(data, expected) {
			return fmt.Errorf("tile %d/%d is not what the entries lead to", tile.L, tile.N)
		}
	}
	if since != "" {
		if err := grown(since, vkey, tree, hashes); err != nil {
			return fmt.Errorf("kept checkpoint: %w", err)
		}
	}
	fmt.Printf("%d entries hold under the signed root.\n", tree.N)
	return nil
}

func grown(since, vkey string, now tlog.Tree, hashes storedHashes) error {
	data, err := ioutil.ReadFile(since)
	if err != nil {
		return err
	}
	old, err := openCheckpoint(data, vkey, nil, 0)
	if err != nil {
		return err
	}
	if old.N > now.N {
		return fmt.Errorf("the record had %d entries and has %d now", old.N, now.N)
	}
	if old.N == 0 {
		return nil
	}
	proof, err := tlog.ProveTree(now.N, old.N, hashes)
	if err != nil {
		return err
	}
	return tlog.CheckTree(proof, now.N, now.Hash, old.N, old.Hash)
}

// --- one entry ---

func proof(path, leafPath, vkey string, cosigners []string, quorum int) error {
	data, err := ioutil.ReadFile(path)
	if err != nil {
		return err
	}
	leaf, err := ioutil.ReadFile(leafPath)
	if err != nil {
		return err
	}
	parts := strings.SplitN(string(data), "\n\n", 2)
	lines := strings.Split(parts[0], "\n")
	if len(parts) != 2 || lines[0] != "c2sp.org/tlog-proof@v1" {
		return errors.New("it is no proof file")
	}
	lines = lines[1:]
	if len(lines) > 0 && strings.HasPrefix(lines[0], "extra ") {
		lines = lines[1:]
	}
	if len(lines) == 0 || !strings.HasPrefix(lines[0], "index ") {
		return errors.New("it has no index")
	}
	index, err := strconv.ParseInt(strings.TrimPrefix(lines[0], "index "), 10, 64)
	if err != nil {
		return err
	}
	var hashes tlog.RecordProof
	for _, line := range lines[1:] {
		hash, err := tlog.ParseHash(line)
		if err != nil {
			return err
		}
		hashes = append(hashes, hash)
	}
	tree, err := openCheckpoint([]byte(parts[1]), vkey, cosigners, quorum)
	if err != nil {
		return fmt.Errorf("checkpoint: %w", err)
	}
	if err := tlog.CheckRecord(hashes, tree.N, tree.Hash, index, tlog.RecordHash(leaf)); err != nil {
		return err
	}
	fmt.Printf("Entry %d is in the record.\n", index)
	return nil
}

// --- a copy ---

const (
	maxFile    = 32 << 20 // the largest lawful file is a bundle of 256 entries of 64 KiB
	maxEntries = 20000000

	maxCharters = 500
)

var (
	heads     = []string{"log/vkey", "bundle.vkey", "epoch-keys.note", "site.note", "index.html", "verify.html", "data.json", "style.css"}
	documents = []string{"root.json", "offices.json", "charter.json", "base.cedar", "overlay.cedar", "schema.cedarschema"}
	installed = regexp.MustCompile(`"charter-installed","version":"([1-9][0-9]{0,8})"`)
	policy    = regexp.MustCompile(`"(?:base|overlay|schema)_sha256":"([0-9a-f]{64})"`)
	page      = regexp.MustCompile(`(?m)^[0-9a-f]{64} ([a-z0-9][a-z0-9-]{0,60}\.[a-z0-9]{1,10})$`)
)

type copier struct {
	client *http.Client
	from   string
	to     string
}

// get writes one file below the copy; nil where the server has none. No redirect is followed, nothing is unpacked.
func (c *copier) get(name string) ([]byte, error) {
	answer, err := c.client.Get(c.from + "/" + name)
	if err != nil {
		return nil, err
	}
	defer answer.Body.Close()
	if answer.StatusCode == http.StatusNotFound {
		return nil, nil
	}
	if answer.StatusCode != http.StatusOK {
		return nil, fmt.Errorf("%s: the server answered %d", name, answer.StatusCode)
	}
	data, err := io.ReadAll(io.LimitReader(answer.Body, maxFile+1))
	if err != nil {
		return nil, err
	}
	if len(data) > maxFile {
		return nil, fmt.Errorf("%s is longer than any file of a record", name)
	}
	path := filepath.Join(c.to, filepath.FromSlash(name))
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		return nil, err
	}
	return data, ioutil.WriteFile(path, data, 0o644)
}

func (c *copier) all(names []string) error {
	for _, name := range names {
		if _, err := c.get(name); err != nil {
			return err
		}
	}
	return nil
}

// tile gets a tile or bundle: the partial one of this size, or the full one that has taken its place.
func (c *copier) tile(level string, n int64, width int) ([]byte, error) {
	full := "log/tile/" + level + "/" + number(n)
	if width < 256 {
		data, err := c.get(fmt.Sprintf("%s.p/%d", full, width))
		if data != nil || err != nil {
			return data, err
		}
	}
	return c.get(full)
}

// fetch copies what a record has. A web server cannot be listed: the names come from the checkpoint, the entries, the
// charters and the list of pages, all of which audit and verify judge afterwards.
func fetch(from, to string) error {
	if _, err := os.Stat(to); err == nil {
		return fmt.Errorf("%s exists; give a new folder", to)
	}
	stay := func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }
	client := &http.Client{
		Timeout: 2 * time.Minute, CheckRedirect: stay, Transport: &http.Transport{DisableCompression: true},
	}
	c := &copier{client, strings.TrimSuffix(strings.TrimSuffix(from, "index.html"), "/"), to}
	if err := c.all(heads); err != nil {
		return err
	}
	checkpoint, err := c.get("log/checkpoint")
	if err != nil {
		return err
	}
	lines := strings.SplitN(string(checkpoint), "\n", 3)
	if len(lines) != 3 {
		return errors.New("there is no log/checkpoint: it is not a city's public folder")
	}
	size, err := strconv.ParseInt(lines[1], 10, 64)
	if err != nil || size < 0 || size > maxEntries {
		return errors.New("log/checkpoint gives no size that a record can have")
	}
	versions := map[string]bool{}
	for _, t := range tiles(size) {
		if _, err := c.tile(strconv.Itoa(t.L), t.N, t.W); err != nil {
			return err
		}
		if t.L > 0 {
			continue
		}
		bundle, err := c.tile("entries", t.N, t.W)
		if err != nil {
			return err
		}
		for _, found := range installed.FindAllSubmatch(bundle, -1) {
			versions[string(found[1])] = true
		}
	}
	if len(versions) > maxCharters {
		return errors.New("more charters are installed than any record has")
	}
	if err := c.charters(versions); err != nil {
		return err
	}
	note, err := ioutil.ReadFile(filepath.Join(to, "site.note"))
	if err == nil {
		for _, found := range page.FindAllSubmatch(note, 100) {
			if _, err := c.get(string(found[1])); err != nil {
				return err
			}
		}
	}
	if again, err := c.get("site.note"); err != nil || !bytes.Equal(again, note) {
		return errors.New("the city published meanwhile, so the copy is of two moments; remove it and fetch again")
	}
	fmt.Printf("%d entries and %d charters are copied to %s.\n", size, len(versions), to)
	return nil
}

func (c *copier) charters(versions map[string]bool) error {
	for version := range versions {
		for _, name := range documents {
			data, err := c.get("charter/" + version + "/" + name)
			if err != nil {
				return err
			}
			if name != "charter.json" {
				continue
			}
			for _, found := range policy.FindAllSubmatch(data, 3) {
				if _, err := c.get("policy/" + string(found[1])); err != nil {
					return err
				}
			}
		}
	}
	return nil
}

func main() {
	var roots, cosigners list
	flags := flag.NewFlagSet("citycheck", flag.ExitOnError)
	flags.Var(&roots, "root", "fingerprint of an office's key, from paper; three times")
	flags.Var(&cosigners, "cosigner", "verifier key of a witness (type 0x04)")
	vkey := flags.String("vkey", "", "the log's verifier key")
	quorum := flags.Int("quorum", 0, "how many cosigners must have signed")
	since := flags.String("since", "", "a checkpoint that was kept")
	if len(os.Args) < 2 {
		fmt.Fprintln(os.Stderr, "citycheck fetch|audit|proof ...: see docs/verify.md")
		os.Exit(2)
	}
	flags.Parse(os.Args[2:])
	var err error
	switch {
	case os.Args[1] == "fetch" && flags.NArg() == 2:
		err = fetch(flags.Arg(0), flags.Arg(1))
	case os.Args[1] == "audit" && flags.NArg() == 1 && (*vkey != "" || len(roots) == 3):
		err = audit(flags.Arg(0), *vkey, roots, cosigners, *quorum, *since)
	case os.Args[1] == "proof" && flags.NArg() == 2 && *vkey != "":
		err = proof(flags.Arg(0), flags.Arg(1), *vkey, cosigners, *quorum)
	default:
		fmt.Fprintln(os.Stderr, "citycheck fetch needs an address and a new folder; audit needs three -root (or -vkey) and a folder; proof needs -vkey, a proof, a leaf")
		os.Exit(2)
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, "WRONG:", err)
		os.Exit(1)
	}
}
