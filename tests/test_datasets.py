"""Tests of the series to learn with."""

import sys
from importlib.resources import files

import numpy as np
import pandas as pd
import pytest

from sklstm.datasets import load_nyc_weather, load_sunspots, make_sine_wave


def test_sine_wave_is_the_classic_grid_by_default():
    classic = np.sin(np.linspace(0, 1000 * np.pi, 1000))
    np.testing.assert_array_equal(make_sine_wave(), classic)


def test_sine_wave_of_two_cycles_by_hand():
    series = make_sine_wave(9, n_cycles=2)
    np.testing.assert_allclose(series, [0, 1, 0, -1, 0, 1, 0, -1, 0], atol=1e-12)


def test_sine_wave_noise_is_gaussian_and_reproducible():
    options = {"n_cycles": 20, "noise": 0.3}
    noisy = make_sine_wave(5000, **options, random_state=0)
    np.testing.assert_array_equal(noisy, make_sine_wave(5000, **options, random_state=0))
    assert not np.array_equal(noisy, make_sine_wave(5000, **options, random_state=1))
    noise = noisy - make_sine_wave(5000, n_cycles=20)
    assert noise.mean() == pytest.approx(0, abs=0.02)
    assert noise.std() == pytest.approx(0.3, rel=0.05)


def test_sine_wave_leaves_the_global_seed_alone():
    state = np.random.get_state()[1].copy()
    make_sine_wave(noise=1.0, random_state=0)
    np.testing.assert_array_equal(np.random.get_state()[1], state)


@pytest.mark.parametrize("length", [0, -3])
def test_sine_wave_refuses_a_length_below_one(length):
    with pytest.raises(ValueError, match=f"length must be at least 1, got {length}"):
        make_sine_wave(length)


@pytest.mark.parametrize("length", [10.0, "10", True])
def test_sine_wave_refuses_a_length_that_is_no_int(length):
    with pytest.raises(TypeError, match="length must be an int"):
        make_sine_wave(length)


@pytest.mark.parametrize("noise", [-0.1, np.nan, np.inf, "loud"])
def test_sine_wave_refuses_impossible_noise(noise):
    with pytest.raises(ValueError, match="noise must be"):
        make_sine_wave(noise=noise)


@pytest.mark.parametrize(("station", "n_hours"), [("EWR", 8703), ("JFK", 8706), ("LGA", 8706)])
def test_weather_of_one_station_has_a_utc_index_in_time_order(station, n_hours):
    weather = load_nyc_weather(station)
    assert weather.shape == (n_hours, 7)
    assert isinstance(weather.index, pd.DatetimeIndex)
    assert str(weather.index.tz) == "UTC"
    assert weather.index.is_monotonic_increasing
    assert weather.index.is_unique
    assert all(weather.dtypes == "float64")


def test_weather_is_that_of_jfk_by_default():
    pd.testing.assert_frame_equal(load_nyc_weather(), load_nyc_weather("JFK"))


def test_weather_of_all_stations_is_a_panel():
    panel = load_nyc_weather("all")
    assert panel.index.names == ["station", "time_utc"]
    assert list(panel.index.unique("station")) == ["EWR", "JFK", "LGA"]
    assert len(panel) == 26_115
    assert panel["pressure"].isna().sum() == 2_729
    pd.testing.assert_frame_equal(panel.loc["LGA"], load_nyc_weather("LGA"))


def test_weather_keeps_its_gaps_until_put_on_the_full_grid():
    weather = load_nyc_weather()
    full = weather.asfreq("h")
    assert full.index[0] == weather.index[0]
    assert full.index[-1] == weather.index[-1]
    assert len(full) - len(weather) == 24
    assert full["temp"].isna().sum() == 24


def test_weather_names_the_known_stations():
    with pytest.raises(ValueError, match="one of EWR, JFK, LGA or all, got 'BOS'"):
        load_nyc_weather("BOS")


def test_sunspots_are_yearly():
    sunspots = load_sunspots()
    assert list(sunspots.index) == list(range(1700, 2009))
    assert sunspots.loc[1957] == pytest.approx(190.2)
    assert sunspots.notna().all()


@pytest.mark.parametrize("load", [load_nyc_weather, load_sunspots])
def test_without_pandas_the_error_says_what_to_install(load, monkeypatch):
    monkeypatch.setitem(sys.modules, "pandas", None)
    with pytest.raises(ImportError, match=f"{load.__name__} needs pandas.*pip install pandas"):
        load()


def test_each_shipped_file_has_its_licence_note():
    data = files("sklstm").joinpath("data")
    note = data.joinpath("README.md").read_text(encoding="utf-8")
    shipped = {file.name for file in data.iterdir()} - {"README.md"}
    assert shipped == {"nyc_weather_2013.csv.gz", "sunspots_yearly.csv"}
    assert all(f"`{name}`" in note for name in shipped)
    assert "CC0" in note
    assert "public domain" in note
