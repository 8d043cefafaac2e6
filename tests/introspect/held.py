"""The tests of what docs/samples.md and docs/models.md say, by page, section and row."""

ROWS: dict[str, dict[str, dict[str, list[str]]]] = {
    "samples.md": {
        "Input": {
            "pandas frame": [
                "test_a_batch_of_its_requests_is_the_sample_again[pandas: nullable integer]",
                "test_any_records[pandas frame]",
            ],
            "polars frame": [
                "test_a_batch_of_its_requests_is_the_sample_again[polars: plain]",
                "test_any_records[polars frame]",
            ],
            "Arrow table": [
                "test_a_batch_of_its_requests_is_the_sample_again[arrow: plain]",
                "test_any_records[Arrow table]",
            ],
            "structured numpy array": [
                "test_a_batch_of_its_requests_is_the_sample_again[array: structured]",
                "test_any_records[structured array]",
            ],
            "list of dicts": [
                "test_a_batch_of_its_requests_is_the_sample_again[list of: dicts with differing keys]",
                "test_any_records[list of records]",
            ],
            "numpy array `(n, ...)`": [
                "test_a_batch_of_its_requests_is_the_sample_again[array: rank 4]",
                "test_shapes_are_exact",
                "test_any_records[array]",
            ],
            "masked array of numpy": [
                "test_a_batch_of_its_requests_is_the_sample_again[array: masked]",
                "test_a_batch_of_its_requests_is_the_sample_again[array: masked dates]",
            ],
            "torch tensor `(n, ...)`": [
                "test_a_batch_of_its_requests_is_the_sample_again[array: torch bfloat16]",
                "test_any_records[tensor]",
            ],
            "scipy sparse matrix or array, also beside other arguments": [
                "test_a_batch_of_its_requests_is_the_sample_again[array: csr_matrix]",
                "test_a_sparse_matrix_is_passed_with_other_arguments",
                "test_any_records[sparse]",
            ],
            "unnamed array, and a model that knows its feature names": [
                "test_a_pipeline_knows_names_and_classes",
                "test_a_frame_goes_to_a_module_as_an_array_that_keeps_the_names",
            ],
            "array of one axis, Series": [
                "test_a_batch_of_its_requests_is_the_sample_again[array: one axis]",
                "test_any_records[pandas Series]",
                "test_any_records[polars Series]",
            ],
            "list of texts, numbers, dates, ...": [
                "test_a_batch_of_its_requests_is_the_sample_again[list of: texts]",
                "test_any_records[list of values]",
            ],
            "list of lists of numbers": [
                "test_a_batch_of_its_requests_is_the_sample_again[list of: lists of numbers]",
                "test_a_batch_of_its_requests_is_the_sample_again[list of: lists of any length]",
            ],
            "dict": [
                "test_a_single_record_reaches_the_model_unchanged[one: a dict of everything plain]",
                "test_any_record[dict]",
            ],
            "one row of a frame": [
                "test_a_single_record_reaches_the_model_unchanged[one: one row of a frame]"
            ],
            "a whole frame with one prediction": [
                "test_a_single_record_reaches_the_model_unchanged[one: a whole frame]"
            ],
            "a whole Series with one prediction": [
                "test_a_single_record_reaches_the_model_unchanged[one: a whole Series]"
            ],
            "frames, Series and structured arrays within a dict": [
                "test_a_single_record_reaches_the_model_unchanged[one: frames in a dict]",
                "test_a_single_record_reaches_the_model_unchanged[one: a Series in a dict]",
                "test_a_single_record_reaches_the_model_unchanged[one: a structured array in a dict]",
            ],
            "dict or tuple of arrays, frames, Series": [
                "test_a_batch_of_its_requests_is_the_sample_again[list of: a dict of arrays]",
                "test_a_batch_of_its_requests_is_the_sample_again[list of: a dict of frames]",
            ],
            "dict of arrays and plain values": [
                "test_a_plain_value_next_to_arrays_is_an_option_of_each_request",
                "test_an_option_that_changes_the_form_of_the_answer_keeps_its_value",
                "test_an_option_is_what_its_annotation_and_default_say",
                "test_a_list_that_holds_for_every_row_is_an_option",
            ],
            "dataclass, pydantic model, NamedTuple": [
                "test_the_model_gets_the_types_of_the_user",
                "test_aliases_are_the_names_in_json[choices and paths]",
                "test_a_dataclass_keeps_its_defaults_and_refuses_the_rest",
                "test_any_record[object]",
            ],
            "TypedDict (by annotation)": ["test_a_typed_dict_widens_what_was_seen"],
            "Enum": ["test_the_model_gets_the_types_of_the_user"],
            "PIL image": [
                "test_a_truncated_or_invalid_image_is_refused",
                "test_an_image_that_unpacks_into_a_huge_one_is_refused",
                "test_any_record[image]",
            ],
            "bytes": ["test_bytes_are_base64_and_not_empty"],
            "keyword or positional arguments": [
                "test_arguments_with_defaults_may_be_left_out",
                "test_annotated_bounds_are_enforced",
                "test_a_literal_takes_its_own_values_only",
                "test_positional_arguments_go_by_their_names",
            ],
        },
        "One value": {
            "`int8` to `uint64`, and `Int8` to `UInt64`": [
                "test_a_body_that_does_not_fit_is_refused_and_the_field_is_named",
                "test_a_batch_of_its_requests_is_the_sample_again[pandas: uint64]",
            ],
            "Python `int`": ["test_a_single_record_reaches_the_model_unchanged[one: a large integer]"],
            "`float16`, `float32`, `bfloat16`": [
                "test_a_body_that_does_not_fit_is_refused_and_the_field_is_named",
                "test_a_batch_of_its_requests_is_the_sample_again[pandas: float32]",
            ],
            "`float64`, Python `float`": ["test_infinite_floats_are_refused_at_any_depth"],
            "`bool`, `boolean`": [
                "test_a_body_that_does_not_fit_is_refused_and_the_field_is_named",
                "test_a_batch_of_its_requests_is_the_sample_again[pandas: nullable boolean]",
            ],
            "`str`, `string`, object column of strings": [
                "test_a_body_that_does_not_fit_is_refused_and_the_field_is_named",
                "test_a_batch_of_its_requests_is_the_sample_again[pandas: object of text and None]",
            ],
            "category": [
                "test_a_category_of_numbers_takes_no_bool_for_one",
                "test_a_batch_of_its_requests_is_the_sample_again[pandas: category of integers]",
            ],
            "intervals or dates as categories": [
                "test_a_batch_of_its_requests_is_the_sample_again[pandas: category of intervals]",
                "test_a_batch_of_its_requests_is_the_sample_again[pandas: category of dates]",
            ],
            "naive datetime": [
                "test_a_body_that_does_not_fit_is_refused_and_the_field_is_named",
                "test_a_moment_that_nanoseconds_cannot_hold_is_refused",
            ],
            "aware datetime": [
                "test_a_batch_of_its_requests_is_the_sample_again[pandas: datetime in a zone]",
                "test_a_single_record_reaches_the_model_unchanged[one: moments in zones]",
            ],
            "datetime in a field of your own class, annotated `datetime`": [
                "test_a_moment_has_a_zone_if_it_has_one_in_the_sample[deep inside]"
            ],
            "datetime or timedelta of a dtype with nanoseconds, `Timestamp` and `Timedelta`": [
                "test_nanoseconds_are_kept_in_requests_and_responses[frame in a zone]",
                "test_what_nanoseconds_cannot_hold_is_refused",
            ],
            "integer that the model uses as an index into a table": [
                "test_integers_that_index_a_table_are_bounded_by_its_size"
            ],
            "date, time, timedelta": [
                "test_a_batch_of_its_requests_is_the_sample_again[polars: dates]",
                "test_a_batch_of_its_requests_is_the_sample_again[pandas: timedelta]",
            ],
            "period": ["test_a_string_that_is_not_a_period_is_refused"],
            "Decimal": [
                "test_a_decimal_is_read_as_it_is_written",
                "test_a_batch_of_its_requests_is_the_sample_again[pandas: object of decimals]",
            ],
            "UUID": ["test_a_batch_of_its_requests_is_the_sample_again[pandas: object of uuids]"],
            "None, NaN, NaT, NA": [
                "test_a_body_that_does_not_fit_is_refused_and_the_field_is_named",
                "test_a_batch_of_its_requests_is_the_sample_again[pandas: nullable string]",
            ],
        },
        "Predictions": {
            "labels, numbers, rows of probabilities, arrays of any rank": [
                "test_answers_to_a_batch[integer labels]",
                "test_answers_to_a_batch[rank 3]",
            ],
            "frame, polars frame, Arrow table, structured array": [
                "test_answers_to_a_batch[frame]",
                "test_answers_to_a_batch[polars frame]",
                "test_answers_to_a_batch[Arrow table]",
                "test_answers_to_a_batch[structured]",
            ],
            "one frame for one record": [
                "test_the_answer_to_one_record[frame of one row]",
                "test_the_answer_to_one_record[frame of several rows]",
            ],
            "Series, Index, Categorical": [
                "test_answers_to_a_batch[Series]",
                "test_answers_to_a_batch[Index]",
                "test_answers_to_a_batch[Categorical]",
            ],
            "dict, dataclass, pydantic model, NamedTuple, at any depth": [
                "test_objects_go_back_as_objects",
                "test_predictions_use_serialization_aliases",
            ],
            "frames, Series and structured arrays in other values": [
                "test_the_answer_to_one_record[frames in a dict]",
                "test_the_answer_to_one_record[Series in a dict]",
                "test_the_answer_to_one_record[structured array]",
            ],
            "dict or tuple of arrays": [
                "test_answers_to_a_batch[dict of arrays]",
                "test_answers_to_a_batch[tuple of arrays]",
            ],
            "NaN, infinity, NA, NaT, None, masked": [
                "test_answers_to_a_batch[deep]",
                "test_answers_to_a_batch[masked]",
                "test_answers_to_a_batch[None and NaN among integers]",
            ],
            "dates, timedeltas, intervals, sets": [
                "test_the_answer_to_one_record[spans and moments]",
                "test_answers_to_a_batch[intervals]",
                "test_the_answer_to_one_record[sets of texts]",
            ],
            "bytes, image": ["test_answers_to_a_batch[bytes]", "test_an_image_goes_back_as_a_file"],
            "another type than in the sample, more or fewer fields, a longer list, `None`": [
                "test_the_answer_to_one_record_goes_out_as_it_is[a text, then a number]",
                "test_answers_to_a_batch_go_out_as_they_are[integer labels, then texts]",
            ],
        },
    },
    "models.md": {
        "Supported models": {
            "scikit-learn and compatible libraries": ["test_the_method_is_the_one_that_gives_the_output"],
            "imbalanced-learn": ["test_imbalanced_learn_pipeline"],
            "category_encoders": ["test_category_encoders"],
            "`kneighbors`, `predict_proba` of several outputs": [
                "test_a_tuple_of_arrays_answers_rows_by_parts"
            ],
            "`kneighbors_graph`": ["test_a_graph_of_neighbours_becomes_lists"],
            "xgboost `XGB*`": ["test_xgboost_classifier", "test_xgboost_files"],
            "xgboost `Booster`": ["test_an_xgboost_booster_takes_frames_arrays_and_lists"],
            "lightgbm `LGBM*`, `Booster`": ["test_lightgbm_classifier", "test_lightgbm_files"],
            "lightgbm and xgboost with categories, and a sample of CSV or JSON": [
                "test_strings_of_a_file_become_the_categories_of_the_model"
            ],
            "catboost": ["test_catboost_classifier", "test_catboost_files"],
            "lifelines": ["test_lifelines_numbers_are_batched"],
            "lifelines, survival curves": ["test_a_survival_curve_keeps_its_times"],
            "statsmodels results": ["test_statsmodels_formula_takes_frames_and_dicts"],
            "forecasts": ["test_a_forecast_is_one_record_however_long_its_answer"],
            "forecasts that are frames over dates": ["test_a_forecast_that_is_a_frame_keeps_its_days"],
            "torch `nn.Module`": [
                "test_a_module_answers_in_eval_mode_without_gradients_and_is_left_as_it_was"
            ],
            "TorchScript": ["test_torchscript"],
            "torch with several inputs": [
                "test_a_module_of_several_inputs_takes_them_by_name",
                "test_objects_of_several_inputs_are_stacked_into_a_tensor_for_each",
            ],
            "torch with outputs by name": ["test_named_outputs_answer_rows_by_parts"],
            "ONNX": ["test_a_session_gets_an_array_of_its_inputs_dtype"],
            "ONNX with several outputs": [
                "test_the_output_sample_decides_which_outputs_of_a_session_are_used"
            ],
            "ONNX with an input per column": ["test_a_session_with_an_input_for_each_column_gets_columns"],
            "ONNX with a fixed batch size of 1": ["test_a_session_with_a_batch_size_of_one_gets_single_rows"],
            "Keras 3": ["test_layers_of_keras_pass_and_the_version_is_read"],
            "transformers, sentence-transformers, spaCy": [
                "test_a_folder_becomes_a_list_of_its_files_with_their_hashes",
                "test_a_network_without_a_tokenizer_is_loaded_by_its_class",
                "test_a_pipeline_of_spacy_passes_and_a_component_of_another_package_where_it_is_trusted",
            ],
            "a function, `functools.partial`, a callable object": ["test_functions_callables_and_partials"],
            'a function of one row of a frame (`row.age`, `row["age"]`)': [
                "test_a_function_of_one_row_of_a_frame_gets_it_as_a_series"
            ],
            "a parameter annotated as a dataclass or pydantic model": [
                "test_plain_objects_are_converted_to_the_annotation_of_a_parameter",
                "test_a_list_of_annotated_objects_is_batched",
            ],
            "parameters annotated as dates, Decimals, ...": [
                "test_strings_are_converted_to_annotated_dates_and_decimals"
            ],
            "a class of your own": ["test_a_method_of_a_user_class_is_found_on_a_copy"],
            "a class written for MLflow, `mlflow.pyfunc.PythonModel`": [
                "test_artifacts_configuration_and_modules_go_along"
            ],
            "the same class, pickled": ["test_a_class_with_a_context_parameter_gets_none"],
            "several arguments": ["test_a_dict_is_spread_over_arguments_of_its_keys_names"],
            "one record at a time": ["test_a_function_of_one_dict_is_called_once_for_each_of_a_list"],
            "predictions that depend on the other rows, or on their order": [
                "test_a_model_whose_answers_depend_on_the_other_rows_is_served_one_row_at_a_time",
                "test_the_evidence_names_the_arrangement_that_showed_the_dependence",
            ],
            "arrays and plain values as arguments": [
                "test_a_plain_value_next_to_arrays_is_an_option_of_each_request"
            ],
            "coroutines, generators, a class in place of an instance, a dict or list that holds the model": [
                "test_an_unsupported_model_gets_a_class_to_copy"
            ],
            "programs of `torch.export`, `.h5` of Keras 2, weights in safetensors": [
                "test_an_unsupported_archive_says_what_to_save_instead",
                "test_weights_in_safetensors_need_their_class",
            ],
            "CRFsuite, fastText, TensorFlow Lite": [
                "test_the_class_of_the_message_makes_a_service",
                "test_other_models_are_known_by_their_start",
            ],
        },
        "What the model says about itself": {
            "names and order of features": [
                "test_a_pipeline_knows_names_and_classes",
                "test_a_frame_with_wrong_columns_lists_the_right_ones",
            ],
            "categories": [
                "test_an_encoder_is_found_however_deep_it_lies",
                "test_what_an_encoder_raises_on_is_refused_and_what_it_ignores_is_said",
            ],
            "category levels": ["test_strings_of_a_file_become_the_categories_of_the_model"],
            "feature types": ["test_an_integer_field_takes_fractions_if_the_training_data_had_fractions"],
            "classes": ["test_a_pipeline_knows_names_and_classes"],
            "annotations and defaults": [
                "test_arguments_with_defaults_may_be_left_out",
                "test_an_option_is_what_its_annotation_and_default_say",
            ],
            "input and output types": ["test_a_session_gets_an_array_of_its_inputs_dtype"],
        },
    },
}
"""The first cell of each row, and the tests of the row. The case of a test is in brackets."""

PROSE: dict[str, dict[str, list[str]]] = {
    "samples.md": {
        "One value": ["test_any_records", "test_any_record"],
        "What cannot be sent": [
            "test_bad_samples_get_one_message",
            "test_an_unsupported_sample_says_how_to_go_on",
            "test_a_moment_finer_than_nanoseconds_says_what_to_do",
            "test_a_polars_prediction_that_would_lose_nanoseconds_is_refused",
        ],
        "Examples": [
            "test_the_first_request_that_the_readme_shows_is_taken",
            "test_no_example_is_shown_where_none_is_known_to_fit",
            "test_a_hint_that_raises_is_ignored",
        ],
        "Overriding the sample": ["test_overrides_change_the_schema_of_the_sample"],
    },
    "models.md": {
        "What is tried": [
            "test_a_boolean_parameter_that_gives_the_output_is_set",
            "test_nullable_fields_are_tested_with_nulls_in_batches",
            "test_a_model_whose_rows_depend_on_each_other_is_never_batched",
            "test_independent_rows_are_always_batched",
            "test_a_model_that_changes_with_each_call_is_refused",
            "test_a_model_that_keeps_something_outside_its_object_is_refused",
            "test_a_service_whose_first_answer_decides_later_ones_is_not_proven",
            "test_an_output_of_one_column_is_one_number_for_each_row_of_a_batch",
            "test_a_random_model_is_refused",
            "test_an_unsupported_model_gets_a_class_to_copy",
        ],
        "Tested libraries": ["test_a_fitted_model_becomes_a_service_of_the_form_that_the_page_has"],
    },
}
"""The tests of what a section says outside its table."""
