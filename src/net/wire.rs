//! A stream of octets as a session sees it: read without a buffer of its own, write many frames at once.

/// How long input is thrown away after our half is closed, so that the last answer is not reset away (SPEC §3.6).
pub use crate::engine::server::LINGER;
use bytes::Buf;
use bytes::Bytes;
use std::collections::VecDeque;
use std::fmt;
use std::io::{self, IoSlice};
use std::mem::MaybeUninit;
use std::pin::Pin;
use std::task::{Context, Poll, ready};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

/// Octets that one read takes at most; also the largest TLS record.
const READ_OCTETS: usize = 16_384;
/// Slices that one write gathers at most.
const WRITE_SLICES: usize = 64;

/// Octets that wait to be written, in order.
#[derive(Default)]
pub struct Outbox {
    /// In place, and empty if nothing waits: one frame at a time needs no memory, and leaves none behind.
    first: Bytes,
    rest: VecDeque<Bytes>,
    octets: usize,
}

impl Outbox {
    /// An empty queue; holds no memory.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Appends octets; empty ones are dropped.
    pub fn push(&mut self, octets: Bytes) {
        if octets.is_empty() {
            return;
        }
        self.octets += octets.len();
        if self.first.is_empty() {
            self.first = octets;
        } else {
            self.rest.push_back(octets);
        }
    }

    /// Whether everything has been handed to the stream.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.first.is_empty()
    }

    /// How many octets wait; an owner that grows tired of a peer that does not read looks here.
    #[must_use]
    pub fn octets(&self) -> usize {
        self.octets
    }

    fn written(&mut self, mut octets: usize) {
        self.octets = self.octets.saturating_sub(octets);
        while !self.first.is_empty() {
            if octets < self.first.len() {
                self.first.advance(octets);
                return;
            }
            octets -= self.first.len();
            self.first = self.rest.pop_front().unwrap_or_default();
        }
        if self.rest.capacity() > WRITE_SLICES {
            // A burst must not leave its room behind on a connection that is idle for hours.
            self.rest = VecDeque::new();
        }
    }
}

impl fmt::Debug for Outbox {
    /// Sizes only: what waits may be an AUTH.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Outbox({} octets)", self.octets)
    }
}

/// What a read came to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Read {
    /// Octets were handed over; more may wait.
    Octets,
    /// The peer writes no more.
    End,
}

/// A stream with the reading and writing that every session needs.
///
/// It holds no buffer: input passes through the stack within one poll, so that an idle connection costs nothing
/// here. Everything is polled, so that its owner can wait for input, output, time and commands in one place:
///
/// ```
/// # tokio::runtime::Builder::new_current_thread().build()?.block_on(async {
/// use impp::net::{Outbox, Read, Wire};
/// use std::task::Poll;
/// let (near, far) = tokio::io::duplex(64);
/// let (mut near, mut far) = (Wire::new(near), Wire::new(far));
/// let mut out = Outbox::new();
/// out.push("PING 1 impp/1.0\r\n".into());
/// out.push("\r\n".into());
/// let mut seen = Vec::new();
/// std::future::poll_fn(|cx| {
///     let _ = near.poll_write(cx, &mut out)?; // wakes this task when the stream takes more
///     while let Poll::Ready(read) = far.poll_read_into(cx, &mut |octets| seen.extend_from_slice(octets))? {
///         if read == Read::End || seen.ends_with(b"\r\n\r\n") {
///             return Poll::Ready(std::io::Result::Ok(()));
///         }
///     }
///     Poll::Pending
/// })
/// .await?;
/// assert_eq!(seen, b"PING 1 impp/1.0\r\n\r\n");
/// # std::io::Result::Ok(()) })?;
/// # std::io::Result::Ok(())
/// ```
#[derive(Debug)]
pub struct Wire<S> {
    stream: S,
    /// Octets were handed to the stream since the last flush; TLS may still hold them.
    unflushed: bool,
}

impl<S> Wire<S> {
    /// Takes the stream over.
    pub fn new(stream: S) -> Self {
        Self { stream, unflushed: false }
    }

    /// The stream.
    pub fn get_ref(&self) -> &S {
        &self.stream
    }

    /// Gives the stream back, for STARTTLS: nothing that was read is held here, and an owner that waited for
    /// [`Wire::poll_write`] to be ready has nothing unsent either.
    pub fn into_inner(self) -> S {
        self.stream
    }
}

impl<S: AsyncRead + AsyncWrite + Unpin> Wire<S> {
    /// Reads once and hands what came to `sink`. Ready after every read, so that the owner can look at what its
    /// engine made of it before more is read (after STARTTLS nothing more may be).
    ///
    /// # Errors
    /// The stream's.
    pub fn poll_read_into(&mut self, cx: &mut Context<'_>, sink: &mut impl FnMut(&[u8])) -> Poll<io::Result<Read>> {
        let mut scratch = [const { MaybeUninit::<u8>::uninit() }; READ_OCTETS];
        let mut buffer = ReadBuf::uninit(&mut scratch);
        ready!(Pin::new(&mut self.stream).poll_read(cx, &mut buffer))?;
        if buffer.filled().is_empty() {
            return Poll::Ready(Ok(Read::End));
        }
        sink(buffer.filled());
        Poll::Ready(Ok(Read::Octets))
    }

    /// Writes until the queue is empty and flushed: ready means that the operating system has all of it.
    ///
    /// # Errors
    /// The stream's; what was not written stays in the queue.
    pub fn poll_write(&mut self, cx: &mut Context<'_>, queue: &mut Outbox) -> Poll<io::Result<()>> {
        while !queue.is_empty() {
            if queue.rest.is_empty() {
                let written = ready!(Pin::new(&mut self.stream).poll_write(cx, &queue.first))?;
                self.count(written, queue)?;
                continue;
            }
            let mut slices = [IoSlice::new(&[]); WRITE_SLICES];
            let mut count = 0;
            for (slice, octets) in slices.iter_mut().zip(std::iter::once(&queue.first).chain(&queue.rest)) {
                *slice = IoSlice::new(octets);
                count += 1;
            }
            let slices = slices.get(..count).unwrap_or_default();
            let written = ready!(Pin::new(&mut self.stream).poll_write_vectored(cx, slices))?;
            self.count(written, queue)?;
        }
        if self.unflushed {
            ready!(Pin::new(&mut self.stream).poll_flush(cx))?;
            self.unflushed = false;
        }
        Poll::Ready(Ok(()))
    }

    fn count(&mut self, written: usize, queue: &mut Outbox) -> io::Result<()> {
        if written == 0 {
            return Err(io::ErrorKind::WriteZero.into());
        }
        self.unflushed = true;
        queue.written(written);
        Ok(())
    }

    /// Closes our half of the stream; inside TLS with close_notify.
    ///
    /// # Errors
    /// The stream's.
    pub fn poll_shutdown(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(cx)
    }

    /// The orderly end: writes what is queued, closes our half, throws input away until the peer closes too, and
    /// drops the stream. Takes at most twice [`LINGER`], whatever the peer does.
    pub async fn linger(mut self, mut queue: Outbox) {
        let closed = tokio::time::timeout(
            LINGER,
            std::future::poll_fn(|cx| {
                ready!(self.poll_write(cx, &mut queue))?;
                self.poll_shutdown(cx)
            }),
        )
        .await;
        if !matches!(closed, Ok(Ok(()))) {
            return;
        }
        // The outcome does not matter: whoever stops reading here has nothing left to say.
        let _ = tokio::time::timeout(
            LINGER,
            std::future::poll_fn(|cx| {
                while let Read::Octets = ready!(self.poll_read_into(cx, &mut |_| ()))? {}
                Poll::Ready(io::Result::Ok(()))
            }),
        )
        .await;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::net::Clock;
    use std::time::Duration;
    use tokio::io::{AsyncReadExt, AsyncWriteExt};

    #[tokio::test]
    async fn many_frames_go_through_a_small_stream_in_order() {
        let (near, mut far) = tokio::io::duplex(7);
        let mut out = Outbox::new();
        let frames: Vec<String> = (0..300).map(|n| format!("PING {n} impp/1.0\r\n\r\n")).collect();
        for frame in &frames {
            out.push(frame.clone().into());
        }
        let expected = frames.concat();
        assert_eq!(out.octets(), expected.len());
        let mut wire = Wire::new(near);
        let writing = async {
            std::future::poll_fn(|cx| wire.poll_write(cx, &mut out)).await.unwrap();
            assert!(out.is_empty());
            assert_eq!(out.octets(), 0);
            drop(wire);
        };
        let mut seen = String::new();
        let (_, read) = tokio::join!(writing, far.read_to_string(&mut seen));
        read.unwrap();
        assert_eq!(seen, expected);
    }

    #[test]
    fn what_waits_is_not_shown() {
        let mut out = Outbox::new();
        out.push("AUTH 1 impp/1.0\r\nData: c2VjcmV0\r\n\r\n".into());
        assert_eq!(format!("{out:?}"), "Outbox(35 octets)");
    }

    #[tokio::test(start_paused = true)]
    async fn lingering_writes_first_and_ends_although_the_peer_talks_on() {
        let (near, far) = tokio::io::duplex(64);
        let (mut from_us, mut to_us) = tokio::io::split(far);
        let talker = tokio::spawn(async move {
            while to_us.write_all(b"more ").await.is_ok() {
                tokio::time::sleep(Duration::from_millis(100)).await;
            }
        });
        let mut out = Outbox::new();
        out.push("bye".into());
        let before = Clock::instant();
        Wire::new(near).linger(out).await;
        assert_eq!(Clock::instant().duration_since(before).as_secs(), LINGER.as_secs());
        let mut seen = String::new();
        from_us.read_to_string(&mut seen).await.unwrap();
        assert_eq!(seen, "bye");
        talker.await.unwrap();
    }
}
