// Is this entry under this checkpoint, by the code of npm's @sigstore/verify? JSON on standard input; its folder in argv.
"use strict";
const crypto = require("crypto");
const fs = require("fs");
const path = require("path");

const tlog = path.join(process.argv[2], "node_modules", "@sigstore", "verify", "dist", "tlog");
const { verifyCheckpoint } = require(path.join(tlog, "checkpoint.js"));
const { verifyMerkleInclusion } = require(path.join(tlog, "merkle.js"));

const said = JSON.parse(fs.readFileSync(0, "utf8"));
const prefix = Buffer.from("302a300506032b6570032100", "hex"); // SubjectPublicKeyInfo of an Ed25519 key
const publicKey = crypto.createPublicKey({
  key: Buffer.concat([prefix, Buffer.from(said.public_key, "hex")]),
  format: "der",
  type: "spki",
});
const log = { logID: Buffer.from(said.key_id, "hex"), baseURL: said.name, publicKey };
const entry = {
  canonicalizedBody: Buffer.from(said.leaf, "base64"),
  inclusionProof: {
    logIndex: String(said.index),
    hashes: said.hashes.map((text) => Buffer.from(text, "base64")),
    checkpoint: { envelope: said.checkpoint },
  },
};
try {
  verifyMerkleInclusion(entry, verifyCheckpoint(entry, [log]));
} catch (error) {
  console.error("WRONG: " + error.message);
  process.exit(1);
}
console.log("holds");
