// Passkeys: the only step that needs a script. Bytes cross as base64url, as WebAuthn's JSON forms want them.

const bytes = (text) => Uint8Array.from(atob(text.replaceAll("-", "+").replaceAll("_", "/")), (c) => c.charCodeAt(0));
const text = (buffer) =>
  btoa(String.fromCharCode(...new Uint8Array(buffer))).replaceAll("+", "-").replaceAll("/", "_").replaceAll("=", "");

async function post(path, body) {
  return send(path, { headers: { "Content-Type": "application/json", Accept: "application/json" }, body: JSON.stringify(body) });
}

async function send(path, request) {
  const response = await fetch(path, { method: "POST", ...request });
  const answer = await response.json();
  if (!response.ok) throw new Error(answer.detail ?? "The vault refused.");
  return answer;
}

function credentials(list) {
  return (list ?? []).map((one) => ({ ...one, id: bytes(one.id) }));
}

async function assertion(options) {
  const found = await navigator.credentials.get({
    publicKey: { ...options, challenge: bytes(options.challenge), allowCredentials: credentials(options.allowCredentials) },
  });
  const { authenticatorData, clientDataJSON, signature, userHandle } = found.response;
  const response = {
    authenticatorData: text(authenticatorData),
    clientDataJSON: text(clientDataJSON),
    signature: text(signature),
    userHandle: userHandle ? text(userHandle) : null,
  };
  return plain(found, response);
}

async function signIn() {
  const answer = await post("/sign-in", { assertion: await assertion(await post("/sign-in/options", {})) });
  location.assign(answer.next);
}

// An act that needs a fresh signature: ask the passkey for exactly this form's words, then send the form.
async function sign(form) {
  const body = new URLSearchParams(new FormData(form));
  const options = await send(form.dataset.options, { headers: { Accept: "application/json" }, body });
  if (options) form.elements.namedItem("assertion").value = JSON.stringify(await assertion(options));
  form.submit();
}

function invitation() {
  const parts = ["#invitation", "#second-part"].map((id) => document.querySelector(id).value.trim());
  return parts.filter(Boolean).join(".");
}

async function register(invitation) {
  const options = await post("/passkeys/options", { invitation });
  const made = await navigator.credentials.create({
    publicKey: {
      ...options,
      challenge: bytes(options.challenge),
      user: { ...options.user, id: bytes(options.user.id) },
      excludeCredentials: credentials(options.excludeCredentials),
    },
  });
  const { attestationObject, clientDataJSON } = made.response;
  const response = {
    attestationObject: text(attestationObject),
    clientDataJSON: text(clientDataJSON),
    transports: made.response.getTransports?.() ?? [],
  };
  const answer = await post("/passkeys", { invitation, attestation: plain(made, response) });
  document.querySelector("#passkey-done").textContent = `Registered for ${answer.display_name}. `;
  const link = document.createElement("a");
  link.href = answer.next;
  link.textContent = "Sign in";
  document.querySelector("#passkey-done").append(link);
}

function plain(credential, response) {
  return {
    id: credential.id,
    rawId: text(credential.rawId),
    type: credential.type,
    response,
    clientExtensionResults: {},
    authenticatorAttachment: credential.authenticatorAttachment,
  };
}

function attach(button, act) {
  button?.addEventListener("click", () => attempt(button, act));
}

async function attempt(button, act) {
  const problem = document.querySelector("#passkey-problem");
  button.disabled = true;
  problem.textContent = "";
  try {
    await act();
  } catch (error) {
    problem.textContent =
      error.name === "NotAllowedError" ? "No passkey was used. Try again." : `${error.message}`;
    button.disabled = false;
  }
}

for (const form of window.PublicKeyCredential ? document.querySelectorAll("form[data-options]") : []) {
  form.addEventListener("submit", (event) => {
    event.preventDefault();
    attempt(form.querySelector("button"), () => sign(form));
  });
}

const way = document.querySelector("#passkey-way");
if (way && window.PublicKeyCredential) {
  way.hidden = false;
  attach(document.querySelector("#sign-in"), signIn);
  attach(document.querySelector("#register"), () => register(invitation()));
}
