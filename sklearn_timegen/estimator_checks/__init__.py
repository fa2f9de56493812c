"""``check_generator``: for generators what ``check_estimator`` is for estimators.

Run all laws with :func:`check_generator`, or one by one under pytest::

    @pytest.mark.parametrize("generator, check", generator_checks([MyGenerator()]), ids=str)
    def test_laws(generator, check):
        check(generator)

Give the generator few epochs: laws are about behaviour, not about quality. What a law expects to
be *learned* is asked of two in three trainings, so that it hangs on no seed and no processor.
"""

from sklearn_timegen.estimator_checks._run import check_generator, generator_checks

__all__ = ["check_generator", "generator_checks"]
