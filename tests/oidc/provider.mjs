// A provider of identities for the stories in tests/oidc.rs: everybody may sign
// in there, under whatever name and with whatever password.
//
// PORT is where it is asked, over TLS if KEY and CERTIFICATE name files; then
// BROWSERS is another port, without TLS, for those who sign in. Asking for
// /from-now-on/HOW says how its tokens are wrong, or that its keys are others.
import { createHmac, generateKeyPairSync, randomUUID, sign } from "node:crypto";
import { readFileSync } from "node:fs";
import { createServer } from "node:http";
import { createServer as createTlsServer } from "node:https";
import Provider from "oidc-provider";

const { PORT, REDIRECT, SECRET, KEY, CERTIFICATE, BROWSERS } = process.env;
const issuer = `${KEY ? "https" : "http"}://127.0.0.1:${PORT}`;

const newKey = () => ({ private: generateKeyPairSync("rsa", { modulusLength: 2048 }).privateKey, kid: randomUUID() });
let key = newKey();
let misbehaves = "";

const text = (value) => Buffer.from(JSON.stringify(value)).toString("base64url");
const read = (part) => JSON.parse(Buffer.from(part, "base64url").toString());

/** A token in place of `token`, wrong in one way and right in all others. */
function forged(token) {
  const [head, claims] = token.split(".").slice(0, 2).map(read);
  const by = (key, head, claims) => {
    const signed = `${text(head)}.${text(claims)}`;
    return `${signed}.${sign("RSA-SHA256", Buffer.from(signed), key).toString("base64url")}`;
  };
  const now = Math.floor(Date.now() / 1000);
  switch (misbehaves) {
    case "signed by somebody else":
      return by(newKey().private, head, claims);
    case "not signed":
      return `${text({ ...head, alg: "none" })}.${text(claims)}.`;
    case "signed with what the client knows": {
      const signed = `${text({ alg: "HS256" })}.${text(claims)}`;
      return `${signed}.${createHmac("sha256", SECRET).update(signed).digest("base64url")}`;
    }
    case "for another client":
      return by(key.private, head, { ...claims, aud: "somebody" });
    case "of another issuer":
      return by(key.private, head, { ...claims, iss: "https://id.example" });
    case "of another request":
      return by(key.private, head, { ...claims, nonce: "another" });
    case "over":
      return by(key.private, head, { ...claims, iat: now - 7200, exp: now - 3600 });
    case "of another answer":
      return by(key.private, head, { ...claims, at_hash: "AAAAAAAAAAAAAAAAAAAAAA" });
    case "changed":
      return [text(head), text({ ...claims, sub: "aygul" }), token.split(".")[2]].join(".");
    case "written anew and good":
      return by(key.private, head, claims);
    default:
      throw new Error(`expected a way to misbehave, got ${JSON.stringify(misbehaves)}`);
  }
}

function open() {
  const provider = new Provider(issuer, {
    clients: [
      {
        client_id: "yuanjiao",
        client_secret: SECRET,
        redirect_uris: [REDIRECT],
        grant_types: ["authorization_code"],
        response_types: ["code"],
      },
    ],
    pkce: { required: () => true },
    claims: { openid: ["sub"], profile: ["preferred_username"] },
    cookies: { keys: ["of the tests"] },
    jwks: { keys: [{ ...key.private.export({ format: "jwk" }), kid: key.kid, use: "sig", alg: "RS256" }] },
    findAccount: (_, id) => ({
      accountId: id,
      claims: () => ({ sub: id, preferred_username: `${id}@id.example` }),
    }),
  });
  provider.on("server_error", (_, error) => console.error(error));
  provider.use(async (ctx, next) => {
    await next();
    if (misbehaves !== "" && ctx.path === "/token" && ctx.body?.id_token) ctx.body.id_token = forged(ctx.body.id_token);
  });
  return provider.callback();
}

let answer = open();
const TOLD = "/from-now-on/";

function answers(request, response) {
  if (!request.url.startsWith(TOLD)) {
    answer(request, response);
    return;
  }
  const told = decodeURIComponent(request.url.slice(TOLD.length));
  if (told === "with other keys") {
    key = newKey();
    answer = open();
  } else misbehaves = told;
  response.end();
}

const server = KEY ? createTlsServer({ key: readFileSync(KEY), cert: readFileSync(CERTIFICATE) }, answers) : createServer(answers);
if (BROWSERS) createServer(answers).listen(Number(BROWSERS), "127.0.0.1");
server.listen(Number(PORT), "127.0.0.1", () => console.log("listening"));
