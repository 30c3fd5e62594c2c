"""
Character by character: what a small text teaches
=================================================

Twelve characters of a text go in, the next one comes out: a classification with 30 classes, done
here by regression. The LSTM then meets tables that count what followed the last few characters,
on pages that neither has seen, and writes a few lines of its own.
"""

# %%
# The text
# --------
# The beginning of *Alice's Adventures in Wonderland* by Lewis Carroll (1865, public domain).

import re

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
from sklearn.base import BaseEstimator, RegressorMixin

from sklstm import LSTMRegressor, make_windows

alice = """
Alice was beginning to get very tired of sitting by her sister on the bank, and of having nothing
to do: once or twice she had peeped into the book her sister was reading, but it had no pictures or
conversations in it, 'and what is the use of a book,' thought Alice 'without pictures or
conversations?'

So she was considering in her own mind (as well as she could, for the hot day made her feel very
sleepy and stupid), whether the pleasure of making a daisy-chain would be worth the trouble of
getting up and picking the daisies, when suddenly a White Rabbit with pink eyes ran close by her.

There was nothing so VERY remarkable in that; nor did Alice think it so VERY much out of the way to
hear the Rabbit say to itself, 'Oh dear! Oh dear! I shall be late!' (when she thought it over
afterwards, it occurred to her that she ought to have wondered at this, but at the time it all
seemed quite natural); but when the Rabbit actually TOOK A WATCH OUT OF ITS WAISTCOAT-POCKET, and
looked at it, and then hurried on, Alice started to her feet, for it flashed across her mind that
she had never before seen a rabbit with either a waistcoat-pocket, or a watch to take out of it,
and burning with curiosity, she ran across the field after it, and fortunately was just in time to
see it pop down a large rabbit-hole under the hedge.

In another moment down went Alice after it, never once considering how in the world she was to get
out again.

The rabbit-hole went straight on like a tunnel for some way, and then dipped suddenly down, so
suddenly that Alice had not a moment to think about stopping herself before she found herself
falling down a very deep well.

Either the well was very deep, or she fell very slowly, for she had plenty of time as she went down
to look about her and to wonder what was going to happen next. First, she tried to look down and
make out what she was coming to, but it was too dark to see anything; then she looked at the sides
of the well, and noticed that they were filled with cupboards and book-shelves; here and there she
saw maps and pictures hung upon pegs. She took down a jar from one of the shelves as she passed; it
was labelled 'ORANGE MARMALADE', but to her great disappointment it was empty: she did not like to
drop the jar for fear of killing somebody, so managed to put it into one of the cupboards as she
fell past it.

'Well!' thought Alice to herself, 'after such a fall as this, I shall think nothing of tumbling
down stairs! How brave they'll all think me at home! Why, I wouldn't say anything about it, even if
I fell off the top of the house!' (Which was very likely true.)

Down, down, down. Would the fall NEVER come to an end! 'I wonder how many miles I've fallen by this
time?' she said aloud. 'I must be getting somewhere near the centre of the earth. Let me see: that
would be four thousand miles down, I think--' (for, you see, Alice had learnt several things of
this sort in her lessons in the schoolroom, and though this was not a VERY good opportunity for
showing off her knowledge, as there was no one to listen to her, still it was good practice to say
it over) '--yes, that's about the right distance--but then I wonder what Latitude or Longitude I've
got to?' (Alice had no idea what Latitude was, or Longitude either, but thought they were nice
grand words to say.)

Presently she began again. 'I wonder if I shall fall right THROUGH the earth! How funny it'll seem
to come out among the people that walk with their heads downward! The Antipathies, I think--' (she
was rather glad there WAS no one listening, this time, as it didn't sound at all the right word)
'--but I shall have to ask them what the name of the country is, you know. Please, Ma'am, is this
New Zealand or Australia?' (and she tried to curtsey as she spoke--fancy CURTSEYING as you're
falling through the air! Do you think you could manage it?) 'And what an ignorant little girl
she'll think me for asking! No, it'll never do to ask: perhaps I shall see it written up
somewhere.'

Down, down, down. There was nothing else to do, so Alice soon began talking again. 'Dinah'll miss
me very much to-night, I should think!' (Dinah was the cat.) 'I hope they'll remember her saucer of
milk at tea-time. Dinah my dear! I wish you were down here with me! There are no mice in the air,
I'm afraid, but you might catch a bat, and that's very like a mouse, you know. But do cats eat
bats, I wonder?' And here Alice began to get rather sleepy, and went on saying to herself, in a
dreamy sort of way, 'Do cats eat bats? Do cats eat bats?' and sometimes, 'Do bats eat cats?' for,
you see, as she couldn't answer either question, it didn't much matter which way she put it. She
felt that she was dozing off, and had just begun to dream that she was walking hand in hand with
Dinah, and saying to her very earnestly, 'Now, Dinah, tell me the truth: did you ever eat a bat?'
when suddenly, thump! thump! down she came upon a heap of sticks and dry leaves, and the fall was
over.

Alice was not a bit hurt, and she jumped up on to her feet in a moment: she looked up, but it was
all dark overhead; before her was another long passage, and the White Rabbit was still in sight,
hurrying down it. There was not a moment to be lost: away went Alice like the wind, and was just in
time to hear it say, as it turned a corner, 'Oh my ears and whiskers, how late it's getting!' She
was close behind it when she turned the corner, but the Rabbit was no longer to be seen: she found
herself in a long, low hall, which was lit up by a row of lamps hanging from the roof.

There were doors all round the hall, but they were all locked; and when Alice had been all the way
down one side and up the other, trying every door, she walked sadly down the middle, wondering how
she was ever to get out again.
"""

# %%
# Capitals become small, and whatever is not a letter, an apostrophe, a comma or a full stop becomes
# a space. Each character is a row of zeros with a one in its own column, for no letter is nearer
# to another by its place in the alphabet.

text = " ".join(re.sub("[^a-z',.]", " ", alice.lower()).split())
alphabet, codes = np.unique(list(text), return_inverse=True)
rows = np.eye(len(alphabet))[codes]
print(f"{len(text):,} characters, {len(alphabet)} of them different")

# %%
# Windows
# -------
# `make_windows` cuts the rows into windows and gives each the next row as its target, so ``y`` is
# one-hot as well. Every character is in twelve windows, but in memory only once: the windows are a
# view. The last fifth of the text is for testing only.

n_steps = 12
X, y = make_windows(rows, n_steps)
train, test = slice(0, int(0.8 * len(X))), slice(int(0.8 * len(X)), None)
print(f"Windows {X.shape}, targets {y.shape}")
print(f"{X.nbytes / 1e6:.0f} MB by their shape, {rows.nbytes / 1e6:.1f} MB in memory")

# %%
# Probabilities by least squares
# ------------------------------
# The output layer is linear: it may say -0.1 or 1.2, which are no probabilities. Cross-entropy,
# the usual loss for characters, takes the logarithm of what it is given. Nothing stops you from
# setting ``loss="categorical_crossentropy"``, but an output below zero is clipped there, and then
# has no gradient that could bring it back: on this text it never got beyond 9 % right.
#
# The mean squared error needs no probabilities to start from, and ends near them: what minimises
# it is the mean of ``y`` given the window, and the mean of a one-hot row *is* the probability of
# each character. So we train on that, and read the largest output as the forecast.
# ``standardize=False`` lets errors count the same for each character, common or rare.
#
# The settings were tried on the last 15 % of the training windows. Ten epochs were enough: with
# twenty, the LSTM knew 74 % of what it had been trained on instead of 58 %, and its squared error
# on those last windows rose from 0.75 to 0.85.

model = LSTMRegressor(
    units=64,
    learning_rate=0.01,
    batch_size=64,
    epochs=10,
    standardize=False,
    random_state=0,
)
estimate = model.fit(X[train], y[train]).predict(X[test])
print(f"Outputs from {estimate.min():.2f} to {estimate.max():.2f}")
print(f"Their sum    {estimate.sum(axis=1).mean():.2f} +- {estimate.sum(axis=1).std():.2f}")

# %%
# Tables to compare with
# ----------------------
# A table counts which characters came after the same last ones, in the training text. After no
# character at all, the table knows but one answer: the space. Where the last three were never met
# in that order, it looks at the last two, and so on.


class Table(RegressorMixin, BaseEstimator):
    """Frequencies of what followed the last `n_steps` steps, or as many of them as are known."""

    def __init__(self, n_steps):
        self.n_steps = n_steps

    def fit(self, X, y):
        """Count what followed each end of each window."""
        self.counts_ = {}
        for window, target in zip(X, y, strict=True):
            for key in self._list_keys(window):
                self.counts_[key] = self.counts_.get(key, 0) + target
        return self

    def predict(self, X):
        """Look up the longest end of each window that is known."""
        known = [
            next(self.counts_[key] for key in self._list_keys(window) if key in self.counts_)
            for window in X
        ]
        return np.array([counts / counts.sum() for counts in known])

    def _list_keys(self, window):
        first = len(window) - self.n_steps
        return [window[start:].tobytes() for start in range(first, len(window) + 1)]


def measure(model):
    """Measure the fraction of right forecasts and the squared error, in training and in test."""
    row = {}
    for name, part in [("heard", train), ("new", test)]:
        forecast = model.predict(X[part])
        right = forecast.argmax(axis=1) == y[part].argmax(axis=1)
        row[f"right, {name}"] = 100 * right.mean()
        row[f"squared error, {name}"] = ((forecast - y[part]) ** 2).sum(axis=1).mean()
    return row


models = {f"Table, {n} before": Table(n).fit(X[train], y[train]) for n in range(5)}
models["LSTM"] = model
table = pd.DataFrame({name: measure(model) for name, model in models.items()}).T
print(table[sorted(table)].to_string(formatters=[*["{:.1f} %".format] * 2, *["{:.3f}".format] * 2]))

# %%
# "Heard" is the text trained on, "new" the rest; the squared error is what the LSTM was trained to
# lower. To read off:
#
# * **The LSTM has learned something.** It names half of the new characters, where the space alone
#   would be right in 21 % and the most frequent successor of one character in 30 %.
# * **It has learned no more than can be counted.** The tables of three and four characters name 51
#   and 52 %, and with 1,147 of them each of these numbers is uncertain by 1.5 points. The squared
#   error on new text is the lowest of all, by next to nothing. Call it a draw.
# * **The text is small, for all of them.** The table of four knows 80 % of what it has heard, and
#   that is mostly memory.
#
# From 4,588 characters an LSTM has to find out which of those before matter, and how; a table knows
# from the start. A larger text changes the odds: it lets an LSTM look further back, and a table
# cannot follow, as it would hardly ever meet the same twelve characters again.
#
# What it expects
# ---------------
# The first 60 characters of the new text. Each column is what the LSTM expects there, having read
# twelve characters up to the column before; a circle marks what came.

shown = slice(0, 60)
fig, ax = plt.subplots(figsize=(11, 5.6), layout="constrained")
shades = ax.imshow(np.clip(estimate[shown].T, 0, 1), cmap="Greys", vmin=0, vmax=1.5, aspect="auto")
came = y[test][shown].argmax(axis=1)
ax.plot(came, "o", color="k", markersize=9, markerfacecolor="none", markeredgewidth=1.5)
labels = np.where(alphabet == " ", "␣", alphabet)
ax.set_xticks(range(len(came)), labels[came])
ax.set_yticks(range(len(alphabet)), labels, fontsize=8)
ax.set(title="Probability of the next character: estimate (shades) and what came (circles)")
ax.set(xlabel="The text", ylabel="Next character")
fig.colorbar(shades, boundaries=np.linspace(0, 1, 101), ticks=np.linspace(0, 1, 6), pad=0.01)

# %%
# Dark shades with a circle are endings: the space after a word that is complete, the "e" of "she".
# White circles are mostly beginnings, where nobody could know. In between it guesses from what it
# has read: after "wa" it expects "was", not "way", and after "fel" another "l", not "felt".
#
# What it writes
# --------------
# One character is drawn from the estimated probabilities, becomes the last step of the window, and
# so on. Negative estimates count as zero. A temperature below 1 sharpens the probabilities before
# the draw (they are raised to the power of ``1 / temperature``): what is likely becomes likelier.


def write(model, window, temperature, n_characters, random_state):
    """Continue a window, drawing one character after the other."""
    written = ""
    for _ in range(n_characters):
        p = np.clip(model.predict(window[np.newaxis])[0], 0, None) ** (1 / temperature)
        code = random_state.choice(len(alphabet), p=p / p.sum())
        window = np.vstack([window[1:], np.eye(len(alphabet))[code]])
        written += alphabet[code]
    return written


start = X[test][0]
print("Begins with:", "".join(alphabet[start.argmax(axis=1)]))
for name, temperature in [("LSTM", 0.2), ("LSTM", 0.5), ("LSTM", 1), ("Table, 4 before", 1)]:
    written = write(models[name], start, temperature, 80, np.random.RandomState(0))
    print(f"{name.split(',')[0]:5} at {temperature:.1f}: {written}")

# %%
# Cold, it goes round in circles through the commonest words; warm, it makes up words that could be
# English; at 1, where it draws from the estimates as they are, every small error of an estimate is
# drawn now and then, and spelling goes. The table reads best, because it quotes: much of what it
# has met, it has met with one successor only. None of them has anything to say.

if plt.get_backend().lower() == "agg":  # no screen
    for number in plt.get_fignums():
        name = f"plot_text_{number}.png"
        plt.figure(number).savefig(name)
        print(f"Wrote {name}")
else:
    plt.show()
