//! Drives any engine over any stream: octets in, octets out, time, and the owner's commands between.

use super::clock::Clock;
use super::stall::{FRAME_STALL, Outflow, Stall};
use super::trace::Trace;
use super::wire::{Outbox, Read, Wire};
use bytes::Bytes;
use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};
use std::time::Duration;
use std::time::Instant;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::time::Sleep;

/// Unwritten octets above which nothing more is read.
const OUT_OCTETS: usize = 1 << 20;
/// What is as far off as this needs no timer, where the owner wakes the task when it comes nearer.
pub const FAR: Duration = Duration::from_secs(30);

/// A session without IO, as the engines are. Calls in this order: one that takes `now`, then output, events and
/// the timeout.
pub trait Engine {
    /// What its owner must know or do.
    type Event;
    /// Octets came.
    fn handle_input(&mut self, now: Instant, octets: &[u8]);
    /// The peer writes no more.
    fn handle_eof(&mut self, now: Instant);
    /// The time that [`Engine::poll_timeout`] named has come.
    fn handle_timeout(&mut self, now: Instant);
    /// The next octets to be written.
    fn poll_output(&mut self) -> Option<Bytes>;
    /// The next event.
    fn poll_event(&mut self) -> Option<Self::Event>;
    /// The same, and it stays where it is.
    fn peek_event(&self) -> Option<&Self::Event>;
    /// When [`Engine::handle_timeout`] wants to be called.
    fn poll_timeout(&self) -> Option<Instant>;
    /// Whether a frame has begun that has not ended: its rest must come within [`FRAME_STALL`].
    fn is_mid_frame(&self) -> bool;
    /// Octets that it has read and not made anything of.
    fn held(&self) -> usize {
        0
    }
    /// Whether more may be read now. While not, only commands and time change anything.
    fn wants_input(&self) -> bool {
        true
    }
}

/// What driving came to.
#[derive(Debug)]
pub enum Step<E> {
    /// The engine has something for its owner.
    Event(E),
    /// The stream broke, or the peer stalled ([`io::ErrorKind::TimedOut`]); nothing more can be read or written.
    Broken(io::Error),
}

/// An engine and its stream.
///
/// *Order:* [`Drive::poll_step`] does all there is to do and comes back with one event at a time; between two of
/// these the owner may give the engine commands through [`Drive::command`], or append octets of its own with
/// [`Drive::push`]. After the engine's last event: [`Drive::linger`].
#[derive(Debug)]
pub struct Drive<E, S> {
    engine: E,
    wire: Wire<S>,
    out: Outbox,
    /// Boxed on first use and kept: moving it to a new deadline is cheaper than making another.
    sleep: Option<Pin<Box<Sleep>>>,
    /// Whether the owner looks at [`Drive::far`].
    woken: bool,
    ended: bool,
    /// The rest of a frame.
    reading: Stall,
    /// Room for what waits to be written.
    writing: Outflow,
    trace: Option<Arc<Trace>>,
}

impl<E: Engine, S: AsyncRead + AsyncWrite + Unpin> Drive<E, S> {
    /// Joins the two.
    pub fn new(engine: E, stream: S) -> Self {
        let (reading, writing) = (Stall::default(), Outflow::new(1));
        Self {
            engine,
            wire: Wire::new(stream),
            out: Outbox::new(),
            sleep: None,
            woken: false,
            ended: false,
            reading,
            writing,
            trace: None,
        }
    }

    /// The same, traced.
    #[must_use]
    pub fn traced(self, trace: Option<Arc<Trace>>) -> Self {
        Self { trace, ..self }
    }

    /// The same, and the peer must take at least so many octets in [`WRITE_STALL`](super::stall::WRITE_STALL) while more wait for it.
    #[must_use]
    pub fn at_least(self, octets: usize) -> Self {
        Self { writing: Outflow::new(octets), ..self }
    }

    /// The same, and the owner sees to it that the task is woken before what [`Drive::far`] says: it keeps no timer for that.
    #[must_use]
    pub fn woken(self) -> Self {
        Self { woken: true, ..self }
    }

    /// For what there is no timer: a moment that was at least [`FAR`] off when [`Drive::poll_step`] last came to nothing. The task has
    /// to be polled before it comes; then there is one.
    pub fn far(&self) -> Option<Instant> {
        if self.woken && self.sleep.is_none() { self.engine.poll_timeout() } else { None }
    }

    /// The engine, to be asked.
    pub fn engine(&self) -> &E {
        &self.engine
    }

    /// The stream, to be asked.
    pub fn stream(&self) -> &S {
        self.wire.get_ref()
    }

    /// The next event, if it is there already and such as is wanted; nothing is read or written for it.
    pub fn next_event_if(&mut self, wanted: impl FnOnce(&E::Event) -> bool) -> Option<E::Event> {
        if self.engine.peek_event().is_some_and(wanted) { self.engine.poll_event() } else { None }
    }

    /// Gives the engine a command. The task must come back to [`Drive::poll_step`], or nothing comes of it.
    pub fn command<T>(&mut self, give: impl FnOnce(&mut E, Instant) -> T) -> T {
        give(&mut self.engine, Clock::instant())
    }

    /// Appends octets behind what the engine has written so far.
    pub fn push(&mut self, octets: Bytes) {
        self.take_output();
        self.append(octets);
    }

    /// Octets that wait to be written.
    pub fn queued(&self) -> usize {
        self.out.octets()
    }

    /// Octets in memory: what waits to be written, and what is read of a frame that has not ended.
    pub fn held(&self) -> usize {
        self.out.octets() + self.engine.held()
    }

    /// Reads, writes and lets time pass for the engine, until it has an event or the stream breaks.
    ///
    /// The end of input is the engine's to judge: it hears of it once, and what it still wants to write is written.
    pub fn poll_step(&mut self, cx: &mut Context<'_>) -> Poll<Step<E::Event>> {
        loop {
            if let Some(event) = self.engine.poll_event() {
                return Poll::Ready(Step::Event(event));
            }
            let now = Clock::instant();
            if self.engine.poll_timeout().is_some_and(|at| at <= now) {
                self.engine.handle_timeout(now);
                continue;
            }
            self.take_output();
            let waiting = self.out.octets();
            let written = self.wire.poll_write(cx, &mut self.out);
            match written {
                Poll::Ready(Ok(())) => self.writing.clear(),
                Poll::Ready(Err(broken)) => return Poll::Ready(Step::Broken(broken)),
                Poll::Pending => self.writing.wait(now, waiting - self.out.octets()),
            }
            // A peer that does not read is not listened to either, or its answers would pile up here.
            if !self.ended && self.engine.wants_input() && self.out.octets() < OUT_OCTETS {
                let Self { engine, wire, trace, .. } = self;
                let mut take = |octets: &[u8]| {
                    if let Some(trace) = trace {
                        trace.received(octets);
                    }
                    engine.handle_input(now, octets);
                };
                match wire.poll_read_into(cx, &mut take) {
                    Poll::Ready(Ok(Read::Octets)) => {
                        self.reading.clear();
                        continue;
                    }
                    Poll::Ready(Ok(Read::End)) => {
                        self.ended = true;
                        self.engine.handle_eof(now);
                        continue;
                    }
                    Poll::Ready(Err(broken)) => return Poll::Ready(Step::Broken(broken)),
                    Poll::Pending if self.engine.is_mid_frame() => self.reading.wait(now),
                    Poll::Pending => self.reading.clear(),
                }
            } else {
                // Whom we do not hear cannot be late.
                self.reading.clear();
            }
            if self.reading.is_over(now, FRAME_STALL) || self.writing.is_over(now) {
                return Poll::Ready(Step::Broken(io::ErrorKind::TimedOut.into()));
            }
            ready!(self.poll_sleep(now, cx));
        }
    }

    /// Writes all that the engine has to say; ready when it is out. Before a TLS handshake begins, wait for this.
    ///
    /// # Errors
    /// The stream's.
    pub fn poll_flush(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.take_output();
        self.wire.poll_write(cx, &mut self.out)
    }

    /// Takes both apart, for STARTTLS.
    pub fn into_parts(self) -> (E, S) {
        (self.engine, self.wire.into_inner())
    }

    /// The orderly end: what is queued is written, then see [`Wire::linger`].
    pub async fn linger(mut self) {
        self.take_output();
        self.wire.linger(self.out).await;
    }

    fn take_output(&mut self) {
        while let Some(octets) = self.engine.poll_output() {
            self.append(octets);
        }
    }

    fn append(&mut self, octets: Bytes) {
        if let Some(trace) = &self.trace {
            trace.sent(&octets);
        }
        self.out.push(octets);
    }

    /// Ready when the engine's time, or the peer's, has come; pending for ever if nothing waits for time.
    fn poll_sleep(&mut self, now: Instant, cx: &mut Context<'_>) -> Poll<()> {
        let stalls = [self.reading.deadline(FRAME_STALL), self.writing.deadline()];
        if self.woken && stalls == [None; 2] && self.engine.poll_timeout().is_none_or(|at| at >= now + FAR) {
            // Most connections are idle most of the time, with nothing before them but the next PING.
            self.sleep = None;
            return Poll::Pending;
        }
        let Some(at) = stalls.into_iter().chain([self.engine.poll_timeout()]).flatten().min() else {
            return Poll::Pending;
        };
        let at = tokio::time::Instant::from_std(at);
        let sleep = self.sleep.get_or_insert_with(|| Box::pin(tokio::time::sleep_until(at)));
        // Every octet that comes puts the moment off. One that rings too early costs less than a timer that is set anew each time.
        if at < sleep.deadline() || sleep.is_elapsed() {
            sleep.as_mut().reset(at);
        }
        sleep.as_mut().poll(cx)
    }
}

impl<E, S> Unpin for Drive<E, S> {}

#[cfg(test)]
mod tests {
    use super::*;
    use std::future::poll_fn;
    use std::time::Duration;
    use tokio::io::{AsyncReadExt, AsyncWriteExt};

    /// Answers every octet with itself, makes an event of `!`, takes `(` for the beginning of a frame and `)` for its end,
    /// and speaks up by itself after ten seconds.
    #[derive(Default)]
    struct Echo {
        mid_frame: bool,
        out: Vec<Bytes>,
        events: Vec<&'static str>,
        wakes: Option<Instant>,
    }

    impl Engine for Echo {
        type Event = &'static str;
        fn handle_input(&mut self, _: Instant, octets: &[u8]) {
            self.out.push(Bytes::copy_from_slice(octets));
            if let Some(last) = octets.iter().rfind(|c| matches!(c, b'(' | b')')) {
                self.mid_frame = *last == b'(';
            }
            if octets.contains(&b'!') {
                self.events.push("shout");
            }
        }
        fn handle_eof(&mut self, _: Instant) {
            self.out.push(".".into());
            self.events.push("end");
        }
        fn handle_timeout(&mut self, _: Instant) {
            self.wakes = None;
            self.events.push("time");
        }
        fn poll_output(&mut self) -> Option<Bytes> {
            (!self.out.is_empty()).then(|| self.out.remove(0))
        }
        fn peek_event(&self) -> Option<&&'static str> {
            self.events.last()
        }
        fn poll_event(&mut self) -> Option<&'static str> {
            self.events.pop()
        }
        fn poll_timeout(&self) -> Option<Instant> {
            self.wakes
        }
        fn is_mid_frame(&self) -> bool {
            self.mid_frame
        }
    }

    #[tokio::test(start_paused = true)]
    async fn octets_time_commands_and_the_end() {
        let (near, mut far) = tokio::io::duplex(4);
        let wakes = Some(Clock::instant() + Duration::from_secs(10));
        let mut drive = Drive::new(Echo { wakes, ..Echo::default() }, near);
        let peer = tokio::spawn(async move {
            far.write_all(b"hi!").await.unwrap();
            let mut seen = vec![0; 3];
            far.read_exact(&mut seen).await.unwrap();
            tokio::time::sleep(Duration::from_secs(20)).await;
            far.shutdown().await.unwrap();
            far.read_to_end(&mut seen).await.unwrap();
            String::from_utf8(seen).unwrap()
        });
        let started = Clock::instant();
        let mut told = Vec::new();
        while told.last() != Some(&"end") {
            match poll_fn(|cx| drive.poll_step(cx)).await {
                Step::Event(event) => told.push(event),
                Step::Broken(error) => panic!("{error}"),
            }
            if told.last() == Some(&"time") {
                assert_eq!(Clock::instant().duration_since(started).as_secs(), 10);
                drive.command(|engine, _| engine.out.push("-command-".into()));
                drive.push("-own-".into());
            }
        }
        assert_eq!(told, ["shout", "time", "end"]);
        drive.linger().await;
        assert_eq!(peer.await.unwrap(), "hi!-command--own-.");
    }

    #[test]
    fn more_of_the_same_is_taken_and_what_is_not_stays() {
        // The last is the next.
        let engine = Echo { events: vec!["end", "shout", "time", "shout"], ..Echo::default() };
        let mut drive = Drive::new(engine, tokio::io::duplex(1).0);
        let mut shout = || drive.next_event_if(|event| *event == "shout");
        assert_eq!([shout(), shout(), shout()], [Some("shout"), None, None]);
        assert_eq!(drive.next_event_if(|event| *event == "time"), Some("time"));
    }

    #[tokio::test(start_paused = true)]
    async fn what_is_far_off_needs_no_timer_until_it_is_near() {
        let (near, _far) = tokio::io::duplex(64);
        let wakes = Some(Clock::instant() + 2 * FAR);
        let mut drive = Drive::new(Echo { wakes, ..Echo::default() }, near).woken();
        let poll = |drive: &mut Drive<_, _>| drive.poll_step(&mut Context::from_waker(std::task::Waker::noop())).is_pending();
        assert!(poll(&mut drive) && drive.sleep.is_none());
        assert_eq!(drive.far(), wakes);
        tokio::time::advance(FAR + Duration::from_secs(1)).await;
        assert!(poll(&mut drive) && drive.sleep.is_some());
        assert_eq!(drive.far(), None);
        // From here it wakes by itself, and not before its time.
        let started = Clock::instant();
        assert!(matches!(poll_fn(|cx| drive.poll_step(cx)).await, Step::Event("time")));
        assert_eq!(Clock::instant() - started, FAR - Duration::from_secs(1));
    }

    /// Drives until the stream breaks; gives how and after how many seconds.
    async fn broken(drive: &mut Drive<Echo, tokio::io::DuplexStream>) -> (io::ErrorKind, u64) {
        let started = Clock::instant();
        match poll_fn(|cx| drive.poll_step(cx)).await {
            Step::Event(event) => panic!("{event}"),
            Step::Broken(error) => (error.kind(), Clock::instant().duration_since(started).as_secs()),
        }
    }

    #[tokio::test(start_paused = true)]
    async fn a_frame_whose_rest_does_not_come_ends_the_connection() {
        let (near, mut far) = tokio::io::duplex(64);
        let mut drive = Drive::new(Echo::default(), near);
        let peer = tokio::spawn(async move {
            far.write_all(b"(whole)").await.unwrap();
            // Between frames there is no hurry.
            tokio::time::sleep(Duration::from_secs(600)).await;
            for piece in [b"(", b"-", b"-"] {
                far.write_all(piece).await.unwrap();
                tokio::time::sleep(Duration::from_secs(59)).await;
            }
            far
        });
        assert_eq!(broken(&mut drive).await, (io::ErrorKind::TimedOut, 600 + 59 + 59 + 60));
        peer.await.unwrap();
    }

    #[tokio::test(start_paused = true)]
    async fn a_peer_that_does_not_read_ends_the_connection() {
        let (near, mut far) = tokio::io::duplex(4);
        let mut drive = Drive::new(Echo::default(), near);
        drive.push("twelve octet".into());
        let peer = tokio::spawn(async move {
            tokio::time::sleep(Duration::from_secs(59)).await;
            far.read_exact(&mut [0; 4]).await.unwrap();
            far
        });
        assert_eq!(broken(&mut drive).await, (io::ErrorKind::TimedOut, 59 + 60));
        peer.await.unwrap();
    }

    /// Takes so many of a hundred octets at a time, once in 20 s, for ever; after how many seconds it is given up, if it is.
    async fn taking(octets: usize, least: usize) -> Option<u64> {
        let (near, mut far) = tokio::io::duplex(4);
        let mut drive = Drive::new(Echo::default(), near).at_least(least);
        drive.push(Bytes::from_static(&[b'x'; 100]));
        let peer = tokio::spawn(async move {
            while far.read_exact(&mut vec![0; octets]).await.is_ok() {
                tokio::time::sleep(Duration::from_secs(20)).await;
            }
        });
        let driven = tokio::time::timeout(Duration::from_secs(100_000), broken(&mut drive)).await;
        drop(drive);
        peer.await.unwrap();
        driven.ok().map(|(kind, seconds)| {
            assert_eq!(kind, io::ErrorKind::TimedOut);
            seconds
        })
    }

    #[tokio::test(start_paused = true)]
    async fn a_peer_that_takes_an_octet_now_and_then_ends_the_connection() {
        assert_eq!(taking(1, 10).await, Some(60));
        // Ten in a minute, five at a time: enough, until all is out.
        assert_eq!(taking(5, 10).await, None);
        // Where one is enough.
        assert_eq!(taking(1, 1).await, None);
    }
}
