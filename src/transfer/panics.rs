//! A panic is an error like another: who waits for the work that panicked hears of it.

use std::any::Any;
use std::future::{Future, poll_fn};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::task::Poll;

use crate::error::{Error, Result};
use crate::text::ServerText;

/// The output of a future, or `InternalError` with the panic's text. Whatever the future held is
/// dropped when this returns.
pub fn caught<F: Future>(work: F) -> impl Future<Output = Result<F::Output>> {
    // Not in the future that is returned: that would keep room for the work beside the box, and each
    // one that holds it twice as much.
    let boxed = Box::pin(work);
    async move {
        let mut work = boxed;
        poll_fn(|cx| {
            // A future that panicked is not polled again, so that nobody sees it half done.
            match catch_unwind(AssertUnwindSafe(|| work.as_mut().poll(cx))) {
                Ok(polled) => polled.map(Ok),
                Err(panic) => Poll::Ready(Err(panicked(panic.as_ref()))),
            }
        })
        .await
    }
}

/// The same for work in place.
pub fn caught_here<T>(work: impl FnOnce() -> Result<T>) -> Result<T> {
    catch_unwind(AssertUnwindSafe(work)).map_err(|panic| panicked(panic.as_ref()))?
}

fn panicked(panic: &(dyn Any + Send)) -> Error {
    let text = panic
        .downcast_ref::<&str>()
        .copied()
        .or_else(|| panic.downcast_ref::<String>().map(String::as_str));
    // It may hold what a server said.
    let text = ServerText::new(text.unwrap_or("it gave no text"));
    Error::internal(format!("a task panicked: {text}"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::pin::pin;
    use std::task::{Context, Waker};

    fn polled<T>(work: impl Future<Output = T>) -> Poll<T> {
        pin!(work).poll(&mut Context::from_waker(Waker::noop()))
    }

    #[test]
    fn it_has_no_room_for_the_work_beside_it() {
        let work = async {
            let large = [1_u8; 4096];
            std::future::ready(()).await;
            large.len()
        };
        assert!(size_of_val(&work) >= 4096);
        assert!(size_of_val(&caught(work)) < 256);
    }

    #[test]
    fn a_panic_is_an_internal_error() {
        let panics = async { assert_eq!(1, 2, "seen\n\n!") };
        let Poll::Ready(Err(error)) = polled(caught(panics)) else {
            panic!("it goes on")
        };
        assert!(error.to_string().contains("seen\\n\\n!"), "{error}");
        let error = caught_here::<()>(|| panic!("here {}", 1)).unwrap_err();
        assert!(error.to_string().contains("a task panicked: here 1;"));
        assert!(matches!(polled(caught(async { 7 })), Poll::Ready(Ok(7))));
    }
}
