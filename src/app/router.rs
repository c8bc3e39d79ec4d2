//! From a request to the room that answers it.

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use bytes::Bytes;
use http_body_util::{BodyExt, Limited};
use hyper::body::Incoming;
use hyper::header::{self, HeaderMap, HeaderValue};
use hyper::http::Extensions;
use hyper::{Method, Request, Response, StatusCode};
use jiff::Timestamp;

use crate::base::{ChannelId, Clock, Lang, LessonId};
use crate::delivery::{Body, Delivery, DeskError, Handler, Peer, Received};
use crate::evidence::Item;
use crate::portal::api::ApiRequest;
use crate::portal::office::{Form, OfficeRequest, away_cookie_name, cookie_name};
use crate::portal::pages::PageRequest;
use crate::portal::{Machine, Portal, Reply, assets, problem};

use super::answer::{answer, by_tls_only, discreet, open_to_all};
use super::asked::{bearer, cookie, largest_body, largest_form, same_origin};
use super::choices::{Choices, without_choices};
use super::claiming::{is_edge, is_report, report};
use super::compress::{accepts_gzip, compressed};
use super::events::events;
use super::files::{asset, worker};
use super::metrics::Metrics;
use super::query::{param, span};
use super::uploading::an_upload;

/// Answers every request of the server.
#[derive(Debug, Clone)]
pub(super) struct Router {
    pub(super) delivery: Arc<Delivery>,
    pub(super) portal: Arc<Portal>,
    pub(super) metrics: Arc<Metrics>,
    pub(super) clock: Arc<dyn Clock>,
    /// Every channel has a timeline.
    pub(super) ready: Arc<AtomicBool>,
}

impl Handler for Router {
    async fn call(&self, mut request: Request<Incoming>, peer: Peer) -> Response<Body> {
        let now = self.clock.now();
        if let Some(rest) = request.uri().path().strip_prefix("/s/") {
            // What is rare is put elsewhere: the future of a request is moved, with room for all it may do.
            if is_report(&request) {
                return Box::pin(self.reports(request, now)).await;
            }
            let query = request.uri().query().unwrap_or_default();
            if let Some(said) = report(query, request.headers()) {
                self.delivery.claims(rest, std::iter::once(said), now);
            }
            if is_edge(&request) {
                return Box::pin(self.edge(&request, rest, now)).await;
            }
            let response = {
                let lang = param(query, "lang").and_then(|l| Lang::new(l).ok());
                let (method, headers) = (request.method(), request.headers());
                self.delivery.session_path(method, rest, lang.as_ref(), headers, now).await
            };
            self.metrics.media(response.status());
            return response;
        }
        peer.vouch(&mut request);
        let response = Box::pin(self.other(request, peer.address, now)).await;
        self.metrics.other(response.status());
        let tls = self.portal.county.load().public_url.as_deref().is_some_and(|u| u.starts_with("https://"));
        if tls { by_tls_only(response) } else { response }
    }
}

impl Router {
    async fn other(&self, request: Request<Incoming>, peer: SocketAddr, now: Timestamp) -> Response<Body> {
        let path = request.uri().path().to_owned();
        let method = request.method().clone();
        if path.starts_with("//") {
            // A link made of such a path would lead to another server.
            let detail = "a path begins with one slash";
            return answer(problem(StatusCode::NOT_FOUND, "Not found", detail), &method);
        }
        if let Some(id) = an_upload(&path) {
            return self.upload(request, id, now).await;
        }
        if let Some(rest) = path.strip_prefix("/api/v1/") {
            // How the server's parts are is nobody's business elsewhere.
            let inner = ["relays", "packaging", "audit", "terminals"].iter().any(|p| rest.starts_with(p));
            let response = self.api(request, rest, now).await;
            return if inner { response } else { open_to_all(response) };
        }
        if let Some(rest) = path.strip_prefix("/log/") {
            return open_to_all(self.log(request, rest, now).await);
        }
        if let Some(rest) = path.strip_prefix("/office/watch/") {
            return discreet(self.watch(&request, rest, now).await);
        }
        if Portal::is_office(&path) && matches!(method, Method::GET | Method::HEAD | Method::POST) {
            let reply = self.office(request, &path, peer, now).await;
            let (events, response) = (reply.events, answer(reply, &method));
            return discreet(if events { self.listening(response) } else { response });
        }
        if !matches!(method, Method::GET | Method::HEAD) {
            let detail = "only GET and HEAD are answered here";
            return answer(problem(StatusCode::METHOD_NOT_ALLOWED, "Method not allowed", detail), &method);
        }
        match path.as_str() {
            "/healthz" => answer(Reply::ok("text/plain", "ok\n"), &method),
            "/readyz" => answer(self.readiness(), &method),
            "/metrics" => answer(self.metrics(now), &method),
            "/sw.js" => answer(worker(request.headers()), &method),
            "/manifest.webmanifest" => {
                let lang = self.choices(request.uri().query().unwrap_or_default(), request.headers()).lang;
                answer(self.portal.manifest(&lang), &method)
            }
            "/guide.xml" => open_to_all(
                self.to_machine(&request, move |portal, asker| portal.guide_xml(asker, now)).await,
            ),
            "/channels.m3u" => {
                let query = request.uri().query().unwrap_or_default();
                let lang = param(query, "lang").and_then(|l| Lang::new(l).ok());
                let base_url = self.base_url(request.headers());
                let container = param(query, "container");
                let wish = (param(query, "terminal"), lang.as_ref(), container);
                let list = self.portal.channels_m3u(&base_url, wish);
                open_to_all(answer(list, &method))
            }
            "/evening.m3u" => {
                let query = request.uri().query().unwrap_or_default();
                let lang = self.choices(query, request.headers()).lang;
                let list = self.portal.evening_m3u(query, &self.base_url(request.headers()), &lang);
                open_to_all(answer(list, &method))
            }
            _ if path.starts_with(assets::PREFIX) => {
                answer(asset(&path[assets::PREFIX.len()..], request.headers()), &method)
            }
            _ => match self.special(&path, &request, now).await {
                Some(response) => open_to_all(response),
                None => {
                    let gzip = accepts_gzip(request.headers());
                    answer(compressed(self.page(&request, &path, now).await, gzip), &method)
                }
            },
        }
    }

    fn readiness(&self) -> Reply {
        if self.ready.load(Ordering::Relaxed) {
            return Reply::ok("text/plain", "ready\n");
        }
        Reply::ok("text/plain", "starting: not every channel is on air yet\n")
            .with_status(StatusCode::SERVICE_UNAVAILABLE)
    }

    fn metrics(&self, now: Timestamp) -> Reply {
        let text = self.metrics.text(&self.delivery, now);
        Reply::ok("text/plain; version=0.0.4; charset=utf-8", text)
    }

    /// Players, calendars, pictures.
    async fn special(
        &self,
        path: &str,
        request: &Request<Incoming>,
        now: Timestamp,
    ) -> Option<Response<Body>> {
        let query = request.uri().query().unwrap_or_default();
        let method = request.method();
        let parts: Vec<&str> = path.trim_start_matches('/').split('/').collect();
        match parts.as_slice() {
            ["channels", id, "index.m3u8"] => {
                let item = ChannelId::new(id).map(Item::Channel);
                let ts = param(query, "container") == Some("ts");
                Some(self.open(item.ok(), (query, ts.then_some("index.m3u8")), now).await)
            }
            ["channels", name] if name.ends_with(".ts") => {
                let id = ChannelId::new(name.strip_suffix(".ts")?).ok()?;
                let channel = self.delivery.channels.get(&id)?;
                let best = format!("v{}", channel.lineup.rungs.first()?.height);
                // What the channel does not have is no page either.
                let rung = param(query, "rung")
                    .map_or(Some(&*best), |r| channel.lineup.rendition(r).and(Some(r)))?;
                Some(self.open(Some(Item::Channel(id)), (query, Some(&format!("{rung}.ts"))), now).await)
            }
            ["lessons", id, "index.m3u8"] => {
                let item = LessonId::new(id).map(Item::Lesson);
                Some(self.open(item.ok(), (query, None), now).await)
            }
            ["lessons.atom"] => {
                Some(self.to_machine(request, move |portal, asker| portal.lessons_atom(asker, now)).await)
            }
            ["print", name] => {
                let unknown =
                    || problem(StatusCode::NOT_FOUND, "Not found", "nothing is being printed there");
                Some(answer(self.portal.being_printed(name).unwrap_or_else(unknown), method))
            }
            ["lessons", id, rest @ ..] => self.lesson_file(request, id, rest).await,
            ["channels", id, "guide.ics"] => {
                let (id, query) = ((*id).to_owned(), query.to_owned());
                let make =
                    move |portal: &Portal, asker: Machine<'_>| portal.guide_ics(&id, &query, asker, now);
                Some(self.to_machine(request, make).await)
            }
            _ => None,
        }
    }

    /// The guide for machines: to make it takes a while where there are many channels.
    async fn to_machine(
        &self,
        request: &Request<Incoming>,
        make: impl FnOnce(&Portal, Machine<'_>) -> Reply + Send + 'static,
    ) -> Response<Body> {
        let headers = request.headers().clone();
        let lang = self.choices(request.uri().query().unwrap_or_default(), &headers).lang;
        let (base_url, gzip) = (self.base_url(&headers), accepts_gzip(&headers));
        let portal = Arc::clone(&self.portal);
        let made = tokio::task::spawn_blocking(move || {
            make(&portal, Machine { headers: &headers, gzip, base_url: &base_url, lang: &lang })
        });
        let failed = |_| problem(StatusCode::INTERNAL_SERVER_ERROR, "Failed", "the guide could not be made");
        answer(made.await.unwrap_or_else(failed), request.method())
    }

    /// A player without script: a session, and on to its playlist, or to what is
    /// called `ts` among its transport streams.
    async fn open(
        &self,
        item: Option<Item>,
        (query, ts): (&str, Option<&str>),
        now: Timestamp,
    ) -> Response<Body> {
        let refuse = |status, detail: &str| answer(problem(status, "Cannot be opened", detail), &Method::GET);
        let Some(item) = item else {
            return refuse(StatusCode::NOT_FOUND, "there is no such channel or lesson");
        };
        let span = match span(query, now) {
            Ok(span) => span,
            Err(detail) => return refuse(StatusCode::BAD_REQUEST, detail),
        };
        if span.is_some() && ts.is_some_and(|file| file.ends_with(".ts")) {
            let detail = "a stream without an end has no past: ask for /channels/ID/index.m3u8?container=ts";
            return refuse(StatusCode::BAD_REQUEST, detail);
        }
        let lang = param(query, "lang").and_then(|l| Lang::new(l).ok());
        let heard = match (&lang, &item, ts) {
            (Some(lang), ..) => lang.to_string(),
            // A box that takes playlists gets one sound, a television all to choose from.
            (None, Item::Channel(id), Some("index.m3u8")) => {
                let channel = self.delivery.channels.get(id);
                channel.and_then(|c| Some(c.lineup.default_audio()?.to_string())).unwrap_or_default()
            }
            _ => "all".to_owned(),
        };
        let opened = match self.delivery.desk.open(item, param(query, "terminal"), lang, span, now) {
            Ok(opened) => opened,
            Err(error @ DeskError::UnknownToken) => {
                return refuse(StatusCode::UNAUTHORIZED, &error.to_string());
            }
            Err(error @ DeskError::UnknownItem) => return refuse(StatusCode::NOT_FOUND, &error.to_string()),
            Err(error) => return refuse(StatusCode::INTERNAL_SERVER_ERROR, &error.to_string()),
        };
        if let Err(error) = self.portal.store.save_session(opened.session).await {
            tracing::error!(%error, "a session could not be stored");
            return refuse(StatusCode::INTERNAL_SERVER_ERROR, "the session could not be stored");
        }
        let mut reply = Reply::ok("text/plain", "").with_status(StatusCode::FOUND);
        let path = match (ts, opened.play_path.split_once("/index.m3u8")) {
            (Some(file), Some((folder, _))) => match folder.split_once("/catchup/") {
                Some((folder, span)) => format!("{folder}/ts/{heard}/{span}/{file}"),
                None => format!("{folder}/ts/{heard}/{file}"),
            },
            _ => opened.play_path,
        };
        reply.location = Some(path.into());
        answer(reply, &Method::GET)
    }

    async fn api(&self, request: Request<Incoming>, path: &str, now: Timestamp) -> Response<Body> {
        let (head, incoming) = request.into_parts();
        if head.method == Method::OPTIONS {
            return answer(Reply::ok("text/plain", "").with_status(StatusCode::NO_CONTENT), &head.method);
        }
        let body = match collect(&head.extensions, incoming, largest_body(path)).await {
            Ok(body) => body,
            Err(reply) => return answer(reply, &head.method),
        };
        let bearer = bearer(&head.headers);
        let base_url = self.base_url(&head.headers);
        let request = ApiRequest {
            method: &head.method,
            path,
            query: head.uri.query().unwrap_or_default(),
            body,
            bearer: bearer.as_deref(),
            key: head.headers.get("idempotency-key").map(|k| k.to_str().unwrap_or_default()),
            now,
            base_url: &base_url,
        };
        answer(self.portal.api(&request).await, &head.method)
    }

    async fn page(&self, request: &Request<Incoming>, path: &str, now: Timestamp) -> Reply {
        let query = request.uri().query().unwrap_or_default();
        let Choices { lang, chosen, saver, saver_chosen } = self.choices(query, request.headers());
        let query = &without_choices(query);
        let base_url = &self.base_url(request.headers());
        let request = PageRequest { path, query, lang, chosen, saver, saver_chosen, now, base_url };
        let page = self.portal.page(&request).await;
        if path.ends_with("/poster.pdf") { self.portal.printed(page).await } else { page }
    }

    /// The same answer, going on as things change.
    fn listening(&self, response: Response<Body>) -> Response<Body> {
        let (mut head, _) = response.into_parts();
        head.headers.remove(header::CONTENT_LENGTH);
        Response::from_parts(head, events(&self.portal.bell, &self.portal.stop))
    }

    /// A page of the office: nothing of it is open to pages elsewhere.
    async fn office(
        &self,
        request: Request<Incoming>,
        path: &str,
        peer: SocketAddr,
        now: Timestamp,
    ) -> Reply {
        let (head, incoming) = request.into_parts();
        let form = match head.method == Method::POST {
            true => match collect(&head.extensions, incoming, largest_form(path, &head.headers)).await {
                Ok(body) => {
                    let content_type = head.headers.get(header::CONTENT_TYPE).and_then(|v| v.to_str().ok());
                    Some(Form::read(content_type.unwrap_or_default(), body).await)
                }
                Err(reply) => return reply,
            },
            false => None,
        };
        let query = head.uri.query().unwrap_or_default();
        let Choices { lang, chosen, saver, saver_chosen } = self.choices(query, &head.headers);
        let query = without_choices(query);
        let base_url = self.base_url(&head.headers);
        let secure = base_url.starts_with("https://");
        let text = |name| head.headers.get(name).and_then(|v: &HeaderValue| v.to_str().ok());
        let cookie = |name: &str| cookie(&head.headers, name);
        let request = OfficeRequest {
            page: PageRequest {
                path,
                query: &query,
                lang,
                chosen,
                saver,
                saver_chosen,
                now,
                base_url: &base_url,
            },
            form,
            cookie: cookie(cookie_name(secure)),
            away: cookie(away_cookie_name(secure)),
            address: peer.ip(),
            agent: text(header::USER_AGENT).unwrap_or_default(),
            listens: text(header::ACCEPT).is_some_and(|a| a.contains("text/event-stream")),
            same_origin: same_origin(&head.headers),
            secure,
            base_url: &base_url,
        };
        self.portal.office(&request).await
    }

    fn choices(&self, query: &str, headers: &HeaderMap) -> Choices {
        Choices::read(query, headers, &self.portal.county.load().languages)
    }

    pub(super) fn base_url(&self, headers: &HeaderMap) -> String {
        let county = self.portal.county.load();
        let host = headers.get(header::HOST).and_then(|h| h.to_str().ok()).unwrap_or("localhost");
        // The server's own word (`Peer::vouch`).
        let scheme = if headers.contains_key(header::FORWARDED) { "https" } else { "http" };
        county.public_url.clone().unwrap_or_else(|| format!("{scheme}://{host}"))
    }
}

pub(super) async fn collect(said: &Extensions, body: Incoming, most: usize) -> Result<Bytes, Reply> {
    match Limited::new(body, most).collect().await {
        Ok(all) => {
            if let Some(received) = said.get::<Received>() {
                received.whole();
            }
            Ok(all.to_bytes())
        }
        Err(error) => {
            let detail = format!("the body could not be read, or is over {most} bytes: {error}");
            // The rest is not read: nobody must send another request behind it.
            Err(problem(StatusCode::PAYLOAD_TOO_LARGE, "Body refused", &detail)
                .with(header::CONNECTION, "close"))
        }
    }
}
