//! Uploads: tus 1.0.0 (<https://tus.io/protocols/resumable-upload>) with creation,
//! creation-with-upload, expiration, checksum and termination.

use std::path::PathBuf;

use http_body_util::BodyExt as _;
use hyper::body::{Body, Bytes};
use hyper::header::{self, HeaderMap, HeaderName};
use hyper::{Method, StatusCode};
use jiff::Timestamp;

use super::auth::token;
use super::model::{Problem, UploadState};
use super::{bad, ours};
use crate::base::AccountId;
use crate::courseware::{Checksum, Upload, UploadError, UploadWriter, Wish};
use crate::people::{Rights, Secret, TokenScope};
use crate::portal::office::random;
use crate::portal::reply::{Reply, problem};
use crate::portal::state::Portal;

const ROOM: &str = "/api/v1/uploads";
const VERSION: &str = "1.0.0";
const EXTENSIONS: &str = "creation,creation-with-upload,expiration,checksum,termination";
const BYTES: &str = "application/offset+octet-stream";
/// The sum of a request's bytes is wrong (tus 1.0.0, Checksum).
const CHECKSUM_MISMATCH: u16 = 460;

const RESUMABLE: HeaderName = HeaderName::from_static("tus-resumable");
const OFFSET: HeaderName = HeaderName::from_static("upload-offset");
const LENGTH: HeaderName = HeaderName::from_static("upload-length");
const METADATA: HeaderName = HeaderName::from_static("upload-metadata");
const EXPIRES: HeaderName = HeaderName::from_static("upload-expires");

/// A request below `/api/v1/uploads`.
#[derive(Debug)]
pub struct UploadRequest<'a, B> {
    /// How; `X-HTTP-Method-Override` is in it already.
    pub method: Method,
    /// Which; none: all of them.
    pub id: Option<&'a str>,
    /// Its headers.
    pub headers: &'a HeaderMap,
    /// Its body, as it comes.
    pub body: B,
    /// `Authorization: Bearer`, as it came.
    pub bearer: Option<&'a str>,
    /// The sign-in's cookie, and whether a page of ours asks.
    pub cookie: (Option<Secret>, bool),
    /// When.
    pub now: Timestamp,
}

impl Portal {
    /// Answers a request below `/api/v1/uploads`.
    pub async fn upload<B>(&self, request: UploadRequest<'_, B>) -> Reply
    where
        B: Body<Data = Bytes> + Unpin + Send,
        B::Error: std::fmt::Display,
    {
        let reply = match self.answer_upload(request).await {
            Ok(reply) | Err(reply) => reply,
        };
        reply.with(RESUMABLE, VERSION)
    }

    async fn answer_upload<B>(&self, request: UploadRequest<'_, B>) -> Result<Reply, Reply>
    where
        B: Body<Data = Bytes> + Unpin + Send,
        B::Error: std::fmt::Display,
    {
        if request.method == Method::OPTIONS {
            return Ok(self.abilities());
        }
        let tells = request.method == Method::GET && request.id.is_none();
        let version = text(request.headers, &RESUMABLE);
        if !tells && version != Some(VERSION) {
            let detail = format!("expected `Tus-Resumable: {VERSION}`");
            return Err(problem(StatusCode::PRECONDITION_FAILED, "Another protocol", &detail)
                .with(HeaderName::from_static("tus-version"), VERSION));
        }
        let (owner, via) = self.uploader(&request).await?;
        match (request.method.clone(), request.id) {
            (Method::GET, None) => {
                let all = self.uploads.list(&owner).await.map_err(refused)?;
                Ok(Reply::json(&all.iter().map(UploadState::of).collect::<Vec<_>>()))
            }
            (Method::POST, None) => self.begin_upload(request, (&owner, &via)).await,
            (Method::HEAD, Some(id)) => {
                let upload = self.uploads.look(id, &owner).await.map_err(refused)?;
                let reply = empty(StatusCode::OK, &upload);
                Ok(reply.with(LENGTH, upload.length.to_string()).with(METADATA, upload.metadata))
            }
            (Method::PATCH, Some(id)) => {
                let offset = number(request.headers, &OFFSET)?;
                if text(request.headers, &header::CONTENT_TYPE) != Some(BYTES) {
                    let detail = format!("expected `Content-Type: {BYTES}`");
                    let status = StatusCode::UNSUPPORTED_MEDIA_TYPE;
                    return Err(problem(status, "No bytes of an upload", &detail));
                }
                let from = (offset, checksum(request.headers)?);
                let upload = self.add_to_upload(id, from, request.body, &owner).await?;
                Ok(empty(StatusCode::NO_CONTENT, &upload))
            }
            (Method::DELETE, Some(id)) => {
                self.uploads.end(id, &owner).await.map_err(refused)?;
                Ok(Reply::ok("text/plain", "").with_status(StatusCode::NO_CONTENT))
            }
            (_, id) => {
                let methods =
                    if id.is_some() { "HEAD, PATCH, DELETE, OPTIONS" } else { "GET, POST, OPTIONS" };
                let detail = format!("expected one of {methods}: see /api/v1/openapi.json");
                let status = StatusCode::METHOD_NOT_ALLOWED;
                Err(problem(status, "Method not allowed", &detail).with(header::ALLOW, methods))
            }
        }
    }

    fn abilities(&self) -> Reply {
        let name = HeaderName::from_static;
        Reply::ok("text/plain", "")
            .with_status(StatusCode::NO_CONTENT)
            .with(name("tus-version"), VERSION)
            .with(name("tus-extension"), EXTENSIONS)
            .with(name("tus-max-size"), self.uploads.limits().largest.to_string())
            .with(name("tus-checksum-algorithm"), Checksum::ALGORITHMS)
    }

    /// Whose upload it is: whoever is signed in, or gave the token.
    async fn uploader<B>(&self, request: &UploadRequest<'_, B>) -> Result<(AccountId, String), Reply> {
        let forbidden = || problem(StatusCode::FORBIDDEN, "Not allowed", "lessons are uploaded by editors");
        if request.bearer.is_some() {
            let token = token(self, request.bearer, request.now, TokenScope::LessonsWrite).await?;
            return Ok((token.account, token.name));
        }
        let signed_in = match &request.cookie.0 {
            Some(secret) => self.holder_of(secret, request.now).await.map_err(|e| ours(&e))?,
            None => None,
        };
        let (Some(account), Some(secret)) = (signed_in, &request.cookie.0) else {
            let detail = "sign in, or send `Authorization: Bearer yj_…` with a token good for lessons:write";
            let challenge = format!("Bearer scope=\"{}\"", TokenScope::LessonsWrite.as_str());
            return Err(problem(StatusCode::UNAUTHORIZED, "Not signed in", detail)
                .with(header::WWW_AUTHENTICATE, challenge));
        };
        let reads = matches!(request.method, Method::GET | Method::HEAD);
        let form_token = text(request.headers, &HeaderName::from_static("x-form-token")).unwrap_or_default();
        let by_our_page = request.cookie.1 && secret.is_form_token(form_token);
        if !reads && !by_our_page {
            return Err(problem(StatusCode::FORBIDDEN, "From elsewhere", "a page of this server is to ask"));
        }
        let registry = self.desk.registry.load_full();
        let rights = Rights::new(&account.grants, &registry);
        if rights.edit_programmes() { Ok((account.id, String::new())) } else { Err(forbidden()) }
    }

    async fn begin_upload<B>(
        &self,
        request: UploadRequest<'_, B>,
        (owner, via): (&AccountId, &str),
    ) -> Result<Reply, Reply>
    where
        B: Body<Data = Bytes> + Unpin + Send,
        B::Error: std::fmt::Display,
    {
        if request.headers.contains_key("upload-defer-length") {
            return Err(bad("expected `Upload-Length`: how long the file is must be known"));
        }
        let length = number(request.headers, &LENGTH)?;
        let metadata = text(request.headers, &METADATA).unwrap_or_default().to_owned();
        let wish = Wish::read(&metadata).map_err(|e| bad(&e.to_string()))?;
        let checksum = checksum(request.headers)?;
        let id = random().map_err(|e| ours(&e))?;
        let begun = self.uploads.begin(id, (length, wish, metadata), (owner, via), request.now).await;
        let mut upload = begun.map_err(refused)?;
        if text(request.headers, &header::CONTENT_TYPE) == Some(BYTES) && length > 0 {
            let id = upload.id.clone();
            upload = match self.add_to_upload(&id, (0, checksum), request.body, owner).await {
                Ok(upload) => upload,
                Err(reply) => {
                    // Where to go on was not told: nobody will.
                    self.uploads.end(&id, owner).await.map_err(refused)?;
                    return Err(reply);
                }
            };
        }
        let mut reply = empty(StatusCode::CREATED, &upload);
        reply.location = Some(format!("{ROOM}/{}", upload.id).into());
        Ok(reply)
    }

    async fn add_to_upload<B>(
        &self,
        id: &str,
        from: (u64, Option<Checksum>),
        body: B,
        owner: &AccountId,
    ) -> Result<Upload, Reply>
    where
        B: Body<Data = Bytes> + Unpin + Send,
        B::Error: std::fmt::Display,
    {
        let mut writer = self.uploads.write(id, owner, from).await.map_err(refused)?;
        let received = receive(&mut writer, body).await;
        // Whatever went wrong: what came is kept; and what is whole is taken, also when who sent
        // it hangs up with the last byte.
        let finished = tokio::spawn(writer.finish(received.is_ok())).await;
        let finished = finished.unwrap_or_else(|error| {
            Err(UploadError::Io { path: PathBuf::new(), source: std::io::Error::other(error) })
        });
        received?;
        finished.map_err(refused)
    }
}

/// What the bytes of a request are to be, if it says.
fn checksum(headers: &HeaderMap) -> Result<Option<Checksum>, Reply> {
    let said = text(headers, &HeaderName::from_static("upload-checksum"));
    said.map(Checksum::read).transpose().map_err(|e| bad(&e.to_string()))
}

async fn receive<B>(writer: &mut UploadWriter, mut body: B) -> Result<(), Reply>
where
    B: Body<Data = Bytes> + Unpin,
    B::Error: std::fmt::Display,
{
    loop {
        let frame = tokio::select! {
            biased;
            () = writer.superseded() => return Err(refused(UploadError::Superseded)),
            frame = body.frame() => frame,
        };
        match frame {
            None => return Ok(()),
            Some(Ok(frame)) => {
                if let Ok(bytes) = frame.into_data() {
                    writer.add(&bytes).await.map_err(refused)?;
                }
            }
            // Mostly nobody hears of this.
            Some(Err(error)) => return Err(bad(&format!("the body broke off: {error}"))),
        }
    }
}

/// What an upload is like, in headers.
fn empty(status: StatusCode, upload: &Upload) -> Reply {
    // RFC 9110 §5.6.7.
    let expires = upload.expires.strftime("%a, %d %b %Y %H:%M:%S GMT").to_string();
    let reply = Reply::ok("text/plain", "").with_status(status).with(OFFSET, upload.offset.to_string());
    if upload.is_whole() { reply } else { reply.with(EXPIRES, expires) }
}

fn refused(error: UploadError) -> Reply {
    let (status, title) = match &error {
        UploadError::Unknown => (StatusCode::NOT_FOUND, "No such upload"),
        UploadError::Begun(id) => {
            let mut reply = problem(StatusCode::CONFLICT, "Begun already", &error.to_string());
            reply.location = Some(format!("{ROOM}/{id}").into());
            return reply;
        }
        UploadError::Offset(at) => {
            let detail = error.to_string();
            let reply = problem(StatusCode::CONFLICT, "Not there", &detail);
            return reply.with(OFFSET, at.to_string());
        }
        UploadError::TooLarge { .. } | UploadError::TooMuch => (StatusCode::PAYLOAD_TOO_LARGE, "Too large"),
        UploadError::NoRoom { .. } => (StatusCode::INSUFFICIENT_STORAGE, "No room"),
        UploadError::MuchToday { wait, .. } => {
            let reply = problem(StatusCode::TOO_MANY_REQUESTS, "Enough for a day", &error.to_string());
            return reply.with(header::RETRY_AFTER, wait.to_string());
        }
        UploadError::TooMany => (StatusCode::TOO_MANY_REQUESTS, "Too many"),
        UploadError::IsLesson(id) => {
            let reply = problem(StatusCode::CONFLICT, "There already", &error.to_string());
            return reply.with(HeaderName::from_static("x-lesson"), id.to_string());
        }
        UploadError::Replaces(id) => {
            let reply = problem(StatusCode::CONFLICT, "Another lesson's name", &error.to_string());
            return reply.with(HeaderName::from_static("x-replaces"), id.to_string());
        }
        UploadError::NameTaken(_) => (StatusCode::CONFLICT, "Being prepared"),
        UploadError::Changed => {
            (StatusCode::from_u16(CHECKSUM_MISMATCH).unwrap_or(StatusCode::BAD_REQUEST), "Checksum mismatch")
        }
        UploadError::Wrong => (StatusCode::UNPROCESSABLE_ENTITY, "Not the file"),
        UploadError::Superseded => (StatusCode::LOCKED, "Superseded"),
        UploadError::Io { .. } => return ours(&error),
    };
    problem(status, title, &error.to_string())
}

fn text<'a>(headers: &'a HeaderMap, name: &HeaderName) -> Option<&'a str> {
    headers.get(name)?.to_str().ok()
}

fn number(headers: &HeaderMap, name: &HeaderName) -> Result<u64, Reply> {
    let said = text(headers, name).map(str::trim);
    let digits = said.filter(|t| !t.is_empty() && t.bytes().all(|b| b.is_ascii_digit()));
    digits
        .and_then(|t| t.parse().ok())
        .ok_or_else(|| bad(&format!("expected `{name}` with a number of bytes")))
}

/// One's uploads: those under way, and those that came whole within the last days.
#[utoipa::path(get, path = "/api/v1/uploads", tag = "operation", security(("token" = [])), responses(
    (status = 200, description = "The oldest first", body = Vec<UploadState>),
    (status = 401, description = "No token, or one that is not known", body = Problem, content_type = "application/problem+json"),
    (status = 403, description = "The token is not good for this", body = Problem, content_type = "application/problem+json"),
))]
#[expect(dead_code, reason = "describes what is answered elsewhere")]
pub(super) fn list() {}

/// A new upload (tus 1.0.0, Creation). Scope `lessons:write`.
#[utoipa::path(post, path = "/api/v1/uploads", tag = "operation", security(("token" = [])),
    params(
        ("Tus-Resumable" = String, Header, description = "1.0.0"),
        ("Upload-Length" = u64, Header, description = "Bytes of the file"),
        ("Upload-Metadata" = String, Header, description = "`filename`, and if known `sha256` (hexadecimal) and `title-LANG`; `again` takes what is a lesson already. Values in Base64"),
    ), responses(
    (status = 201, description = "It begins; `Location` is where its bytes go"),
    (status = 400, description = "A header is wrong", body = Problem, content_type = "application/problem+json"),
    (status = 401, description = "No token, or one that is not known", body = Problem, content_type = "application/problem+json"),
    (status = 403, description = "The token is not good for this", body = Problem, content_type = "application/problem+json"),
    (status = 409, description = "The same file is a lesson already (`X-Lesson`), it would replace one (`X-Replaces`), it has begun to come (`Location`), or one of its name is being sent or prepared", body = Problem, content_type = "application/problem+json"),
    (status = 412, description = "Another version of tus", body = Problem, content_type = "application/problem+json"),
    (status = 413, description = "The file is too large", body = Problem, content_type = "application/problem+json"),
    (status = 429, description = "Too many have begun, or with `Retry-After` too much for a day", body = Problem, content_type = "application/problem+json"),
    (status = 507, description = "The disk has no room for it", body = Problem, content_type = "application/problem+json"),
))]
#[expect(dead_code, reason = "describes what is answered elsewhere")]
pub(super) fn begin() {}

/// How far an upload is (tus 1.0.0).
#[utoipa::path(head, path = "/api/v1/uploads/{id}", tag = "operation", security(("token" = [])),
    params(("id" = String, Path, description = "The upload"), ("Tus-Resumable" = String, Header, description = "1.0.0")),
    responses(
    (status = 200, description = "`Upload-Offset` and `Upload-Length`"),
    (status = 401, description = "No token, or one that is not known"),
    (status = 403, description = "The token is not good for this"),
    (status = 412, description = "Another version of tus"),
    (status = 404, description = "There is no such upload (any more)"),
))]
#[expect(dead_code, reason = "describes what is answered elsewhere")]
pub(super) fn look() {}

/// More bytes of an upload (tus 1.0.0). What is acknowledged is on disk.
#[utoipa::path(patch, path = "/api/v1/uploads/{id}", tag = "operation", security(("token" = [])),
    params(
        ("id" = String, Path, description = "The upload"),
        ("Tus-Resumable" = String, Header, description = "1.0.0"),
        ("Upload-Offset" = u64, Header, description = "Where they belong: what HEAD told"),
        ("Upload-Checksum" = Option<String>, Header, description = "`sha1` or `sha256` and the sum in Base64: all of them count or none"),
    ),
    request_body(content = Vec<u8>, content_type = "application/offset+octet-stream"), responses(
    (status = 204, description = "`Upload-Offset` is where it goes on; at the end, the file is in the inbox"),
    (status = 400, description = "A header is wrong", body = Problem, content_type = "application/problem+json"),
    (status = 401, description = "No token, or one that is not known", body = Problem, content_type = "application/problem+json"),
    (status = 403, description = "The token is not good for this", body = Problem, content_type = "application/problem+json"),
    (status = 412, description = "Another version of tus", body = Problem, content_type = "application/problem+json"),
    (status = 413, description = "More came than was said", body = Problem, content_type = "application/problem+json"),
    (status = 404, description = "There is no such upload (any more)", body = Problem, content_type = "application/problem+json"),
    (status = 409, description = "It goes on elsewhere", body = Problem, content_type = "application/problem+json"),
    (status = 415, description = "Another type of content", body = Problem, content_type = "application/problem+json"),
    (status = 422, description = "The whole file is not what `sha256` said: it was dropped", body = Problem, content_type = "application/problem+json"),
    (status = 423, description = "Another connection goes on with it", body = Problem, content_type = "application/problem+json"),
    (status = 460, description = "The sum is wrong: they were dropped", body = Problem, content_type = "application/problem+json"),
))]
#[expect(dead_code, reason = "describes what is answered elsewhere")]
pub(super) fn add() {}

/// Ends an upload; what has come is removed (tus 1.0.0, Termination).
#[utoipa::path(delete, path = "/api/v1/uploads/{id}", tag = "operation", security(("token" = [])),
    params(("id" = String, Path, description = "The upload"), ("Tus-Resumable" = String, Header, description = "1.0.0")),
    responses(
    (status = 204, description = "It is gone"),
    (status = 401, description = "No token, or one that is not known", body = Problem, content_type = "application/problem+json"),
    (status = 403, description = "The token is not good for this", body = Problem, content_type = "application/problem+json"),
    (status = 412, description = "Another version of tus", body = Problem, content_type = "application/problem+json"),
    (status = 404, description = "There is no such upload (any more)", body = Problem, content_type = "application/problem+json"),
))]
#[expect(dead_code, reason = "describes what is answered elsewhere")]
pub(super) fn end() {}
