"""Both sides laid together: what is compared, cell by cell; the three-way merge; who is who where there is no link."""
