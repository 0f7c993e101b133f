// Passkeys: the only step that needs a script. Bytes cross as base64url, as WebAuthn's JSON forms want them.

const bytes = (text) => Uint8Array.from(atob(text.replaceAll("-", "+").replaceAll("_", "/")), (c) => c.charCodeAt(0));
const text = (buffer) =>
  btoa(String.fromCharCode(...new Uint8Array(buffer))).replaceAll("+", "-").replaceAll("/", "_").replaceAll("=", "");

async function post(path, body) {
  const response = await fetch(path, {
    method: "POST",
    headers: { "Content-Type": "application/json", Accept: "application/json" },
    body: JSON.stringify(body),
  });
  const answer = await response.json();
  if (!response.ok) throw new Error(answer.detail ?? "The vault refused.");
  return answer;
}

function credentials(list) {
  return (list ?? []).map((one) => ({ ...one, id: bytes(one.id) }));
}

async function signIn() {
  const options = await post("/sign-in/options", {});
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
  const answer = await post("/sign-in", { assertion: plain(found, response) });
  location.assign(answer.next);
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
  const problem = document.querySelector("#passkey-problem");
  button?.addEventListener("click", async () => {
    button.disabled = true;
    problem.textContent = "";
    try {
      await act();
    } catch (error) {
      problem.textContent =
        error.name === "NotAllowedError" ? "No passkey was used. Try again." : `${error.message}`;
      button.disabled = false;
    }
  });
}

const way = document.querySelector("#passkey-way");
if (way && window.PublicKeyCredential) {
  way.hidden = false;
  attach(document.querySelector("#sign-in"), signIn);
  attach(document.querySelector("#register"), () => register(way.dataset.invitation));
}
