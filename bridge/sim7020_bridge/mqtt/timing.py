"""Every duration of the MQTT package."""

from dataclasses import dataclass
from random import SystemRandom

_RANDOM = SystemRandom()


@dataclass(frozen=True, slots=True)
class ClientTiming:
    """Every duration of a broker connection, in seconds.

    Args:
        connect: Longest wait for the connection and, again, for the broker's answer to it.
        first_retry: Wait before the first new attempt; doubled for each further one, then shortened by up to half.
        last_retry: Longest such wait.
        refused_retry: Shortest wait after the broker said no, before it is asked again with no other node in between.
        taken_over: First and longest wait after another client took over the session.
        retained: Longest wait for what is retained, once it is subscribed to.
        granted: Longest wait for the answers to subscriptions before anything is published.
        heard: Longest wait for the answer to any subscription: a connection without one is of no use.
        ask_again: Wait before a subscription that was refused is asked for again.
        stable: A connection that lasted this long starts the next wait at the beginning.
        farewell: Longest wait for the last publications and the disconnection.
        tick: How often keep-alive is looked at.
        later: First and longest wait before a topic is tried again that the broker does not take now.
        forbidden: The same for a topic that it answers to be forbidden; it is tried at every connection too.
        disconnects: The same for a topic for which it disconnects: each try costs a connection.
        silent: The same for a topic that it does not answer at all; it is tried at every connection too.
        answer: Longest wait for the answer to a publication if a later one was answered already, and if none was.
    """

    connect: float = 10.0
    first_retry: float = 1.0
    last_retry: float = 60.0
    refused_retry: float = 30.0
    taken_over: tuple[float, float] = (30.0, 3600.0)
    retained: float = 5.0
    granted: float = 2.0
    heard: float = 30.0
    ask_again: float = 60.0
    stable: float = 30.0
    farewell: float = 3.0
    tick: float = 1.0
    later: tuple[float, float] = (1.0, 60.0)
    forbidden: tuple[float, float] = (2.0, 3600.0)
    disconnects: tuple[float, float] = (60.0, 86400.0)
    silent: tuple[float, float] = (60.0, 3600.0)
    answer: tuple[float, float] = (10.0, 60.0)

    def pause(self, attempts: int, *, refused: bool) -> float:
        """Return the wait before the next attempt, after so many that failed and perhaps a refusal."""
        longest = min(self.last_retry, self.first_retry * 2.0 ** min(attempts, 16))
        pause = longest * _RANDOM.uniform(0.5, 1.0)
        return max(pause, self.refused_retry) if refused else pause

    def patience(self, keepalive: float) -> tuple[float, float]:
        """Return ``answer`` for a connection that is tested so often: one that is dead is no topic's fault."""
        return self.answer[0], max(self.answer[1], 2 * keepalive)

    def longest_back(self, takeovers: int) -> float:
        """Return the longest wait after the session was taken over so many times in a row."""
        first, longest = self.taken_over
        return min(longest, first * 2.0 ** min(takeovers - 1, 16))

    def stand_back(self, takeovers: int) -> float:
        """Return such a wait: not always the same, so that two who fight for a session do not fight in step."""
        return self.longest_back(takeovers) * _RANDOM.uniform(0.5, 1.0)
